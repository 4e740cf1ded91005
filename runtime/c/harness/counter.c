/* Counts executed instructions between marked addresses: a plugin for QEMU's TCG, versions 7 to 10.
 *
 * Arguments: first=ADDRESS second=ADDRESS third=ADDRESS step=ADDRESS out=FILE. Writes, as text, the instructions from the
 * first mark to the second and from the second to the third, summed over all passes, and the number of passes; then, for
 * each step mark between the second and the third, those since the mark before. A translated block counts when it is
 * entered; marks are functions, so that a block begins at each.
 *
 * The few declarations of the plugin interface that are used stand here, so that no header of QEMU is needed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info;
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int vcpu, void *data);
typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t id, void *data);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t callback);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, qemu_plugin_vcpu_udata_cb_t callback,
                                                 int flags, void *data);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t callback, void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

#define STEPS 4096
static uint64_t marks[4], executed, begun, sums[2], passes, stepped, steps[STEPS];
static unsigned int next;
static const char *path;

/* Number of instructions and which mark (1 to 4, or 0) in one word. */
static void enter(unsigned int vcpu, void *data)
{
    const uint64_t word = (uint64_t)(uintptr_t)data;
    const unsigned int mark = (unsigned int)(word & 7u);
    (void)vcpu;
    if (mark == 1u) {
        begun = executed;
    } else if (mark == 2u) {
        sums[0] += executed - begun;
        begun = executed;
        stepped = executed;
        next = 0;
    } else if (mark == 3u) {
        sums[1] += executed - begun;
        passes++;
    } else if (mark == 4u && next < STEPS) {
        steps[next++] += executed - stepped;
        stepped = executed;
    }
    executed += word >> 3;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    const uint64_t at = qemu_plugin_tb_vaddr(tb) & ~(uint64_t)1;
    uint64_t mark = 0;
    unsigned int i;
    (void)id;
    for (i = 0; i < 4u; i++) {
        if (at == marks[i]) {
            mark = i + 1u;
        }
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, enter, 0,
                                         (void *)(uintptr_t)(((uint64_t)qemu_plugin_tb_n_insns(tb) << 3) | mark));
}

static void finish(qemu_plugin_id_t id, void *data)
{
    FILE *out = fopen(path, "w");
    unsigned int i;
    (void)id;
    (void)data;
    if (out != NULL) {
        fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", sums[0], sums[1], passes);
        for (i = 0; i < next; i++) {
            fprintf(out, "%" PRIu64 "\n", steps[i]);
        }
        fclose(out);
    }
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
                                                                int argc, char **argv)
{
    static const char *const names[4] = {"first=", "second=", "third=", "step="};
    int i, m;
    (void)info;
    for (i = 0; i < argc; i++) {
        for (m = 0; m < 4; m++) {
            if (strncmp(argv[i], names[m], strlen(names[m])) == 0) {
                marks[m] = strtoull(argv[i] + strlen(names[m]), NULL, 0) & ~(uint64_t)1;
            }
        }
        if (strncmp(argv[i], "out=", 4) == 0) {
            path = strdup(argv[i] + 4);
        }
    }
    if (path == NULL) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
