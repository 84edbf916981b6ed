/* The functions of libqtest that the exported C tests call. */
#ifndef SHIM_LIBQTEST_H
#define SHIM_LIBQTEST_H

#include <stdint.h>

typedef struct QTestState QTestState;

QTestState *qtest_init(const char *arguments);
void qtest_quit(QTestState *s);
void qtest_add_func(const char *path, void (*test)(void));

void qtest_outl(QTestState *s, uint16_t port, uint32_t value);
void qtest_writel(QTestState *s, uint64_t address, uint32_t value);
void qtest_writeq(QTestState *s, uint64_t address, uint64_t value);
uint32_t qtest_readl(QTestState *s, uint64_t address);
uint64_t qtest_readq(QTestState *s, uint64_t address);
int64_t qtest_clock_step(QTestState *s, int64_t nanoseconds);

#endif
