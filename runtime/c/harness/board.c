/* Start-up, semihosting and stack measuring on an emulated Arm Cortex-M board. */
#include "board.h"

extern uint32_t board_stack_top[], board_stack_limit[];
extern uint32_t board_data_from[], board_data_start[], board_data_end[], board_bss_start[], board_bss_end[];
int main(void);
void board_reset(void);

static int semihost(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void board_exit(uint32_t code)
{
    uint32_t block[2];
    block[0] = 0x20026u; /* the application ended */
    block[1] = code;
    semihost(0x20, block);
    for (;;) {
    }
}

static void board_fault(void)
{
    board_exit(99u);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    board_stack_top,         (const void *)board_reset, (const void *)board_fault, (const void *)board_fault,
    (const void *)board_fault, (const void *)board_fault, (const void *)board_fault, (const void *)board_fault,
    (const void *)board_fault, (const void *)board_fault, (const void *)board_fault, (const void *)board_fault,
    (const void *)board_fault, (const void *)board_fault, (const void *)board_fault, (const void *)board_fault,
};

void board_reset(void)
{
    uint32_t *to, *from;
#if defined(__ARM_FP)
    /* Access to the floating-point unit, before anything uses it. */
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb");
#endif
    for (to = board_data_start, from = board_data_from; to < board_data_end;) {
        *to++ = *from++;
    }
    for (to = board_bss_start; to < board_bss_end;) {
        *to++ = 0u;
    }
    board_exit((uint32_t)main());
}

int board_open(const char *name, int writing)
{
    const char *end = name;
    uintptr_t block[3];
    while (*end != '\0') {
        end++;
    }
    block[0] = (uintptr_t)name;
    block[1] = writing ? 5u : 1u; /* "wb" and "rb" */
    block[2] = (uintptr_t)(end - name);
    return semihost(0x01, block);
}

int board_read(int file, void *to, size_t bytes)
{
    uintptr_t block[3];
    block[0] = (uintptr_t)file;
    block[1] = (uintptr_t)to;
    block[2] = bytes;
    return semihost(0x06, block);
}

int board_write(int file, const void *from, size_t bytes)
{
    uintptr_t block[3];
    block[0] = (uintptr_t)file;
    block[1] = (uintptr_t)from;
    block[2] = bytes;
    return semihost(0x05, block);
}

#define PAINT 0x5AC3A55Au

__attribute__((noinline)) uint32_t board_stack_of(void (*function)(void))
{
    uintptr_t here;
    volatile uint32_t *top, *p;
    __asm__ volatile("mov %0, sp" : "=r"(here));
    top = (volatile uint32_t *)(here - 64u);
    for (p = board_stack_limit; p < top; p++) {
        *p = PAINT;
    }
    function();
    for (p = board_stack_limit; p < top && *p == PAINT; p++) {
    }
    return (uint32_t)(here - (uintptr_t)p);
}

/* The counter looks for these addresses; they must stay functions of their own. */
__attribute__((noinline, used)) void ew_mark_dsp(void)
{
    __asm__ volatile("");
}

__attribute__((noinline, used)) void ew_mark_network(void)
{
    __asm__ volatile("nop");
}

__attribute__((noinline, used)) void ew_mark_end(void)
{
    __asm__ volatile("nop\n\tnop");
}

__attribute__((noinline, used)) void ew_mark_step(void)
{
    __asm__ volatile("nop\n\tnop\n\tnop");
}
