/* What the proof needs of an emulated Arm board. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Opens a file of the host, for reading (0) or writing (1); negative when that fails. */
int board_open(const char *name, int writing);
/* Reads or writes all bytes; 0 is success. */
int board_read(int file, void *to, size_t bytes);
int board_write(int file, const void *from, size_t bytes);
/* Runs a function and returns how many bytes of stack it used. */
uint32_t board_stack_of(void (*function)(void));

#endif
