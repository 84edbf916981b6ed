/*
 * What the exported C tests take from QEMU's headers and from GLib, as far as they take it: written for the test that
 * compiles and runs them where there is no QEMU source.
 */
#ifndef SHIM_OSDEP_H
#define SHIM_OSDEP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void g_test_init(int *argc, char ***argv, void *end);
int g_test_run(void);
void g_test_skip(const char *why);

#define g_assert_cmphex(one, compare, other)                                                        \
    do {                                                                                            \
        uint64_t shim_one = (one);                                                                  \
        uint64_t shim_other = (other);                                                              \
        if (!(shim_one compare shim_other)) {                                                       \
            fprintf(stderr, "assertion failed (%s %s %s): 0x%" PRIx64 ", 0x%" PRIx64 "\n", #one,    \
                    #compare, #other, shim_one, shim_other);                                        \
            abort();                                                                                \
        }                                                                                           \
    } while (0)

#define g_assert_true(what)                                                                         \
    do {                                                                                            \
        if (!(what)) {                                                                              \
            fprintf(stderr, "assertion failed (%s)\n", #what);                                      \
            abort();                                                                                \
        }                                                                                           \
    } while (0)

#define g_assert_not_reached() abort()

#endif
