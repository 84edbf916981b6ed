/*
 * The functions of libqtest that the exported C tests call, on the QEMU of a distribution, which has no qtest
 * accelerator: a processor is emulated that halts at once, and time passes while QEMU takes commands.
 */
#include "libqtest.h"
#include "qemu/osdep.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_TESTS 16
/* QEMU takes 1 KiB of commands in a turn of its main loop, in which timers run. */
#define IDLE "%2048d"

struct QTestState {
    pid_t program;
    FILE *commands;
    FILE *replies;
    char firmware[64];
};

static struct {
    const char *path;
    void (*run)(void);
} tests[MOST_TESTS];
static int test_count;
static const char *skipped;
static QTestState *running;

static void end(QTestState *s)
{
    kill(s->program, SIGKILL);
    waitpid(s->program, NULL, 0);
    unlink(s->firmware);
    fclose(s->commands);
    fclose(s->replies);
    free(s);
    running = NULL;
}

/* An assertion that fails must not leave QEMU behind. */
static void on_abort(int signal_number)
{
    (void)signal_number;
    if (running) {
        kill(running->program, SIGKILL);
        unlink(running->firmware);
    }
}

static void lost(void)
{
    fprintf(stderr, "QEMU has ended\n");
    abort();
}

static void write_firmware(char *path)
{
    static const unsigned char halt[] = { 0xfa, 0xf4, 0xeb, 0xfd };
    unsigned char image[0x10000] = { 0 };
    int file = mkstemp(strcpy(path, "/tmp/libqtest-shim-XXXXXX"));

    memcpy(image + 0xfff0, halt, sizeof(halt));
    if (file < 0 || write(file, image, sizeof(image)) != sizeof(image)) {
        abort();
    }
    close(file);
}

QTestState *qtest_init(const char *arguments)
{
    QTestState *s = calloc(1, sizeof(*s));
    const char *qemu = getenv("QTEST_QEMU_BINARY");
    char command[8192];
    int to[2], from[2];

    write_firmware(s->firmware);
    snprintf(command, sizeof(command),
             "exec %s %s -machine accel=tcg,kernel-irqchip=split,smm=off -icount shift=0,sleep=off -bios %s "
             "-nodefaults -display none -qtest stdio -qtest-log none 2>/dev/null",
             qemu, arguments, s->firmware);
    if (pipe(to) || pipe(from) || (s->program = fork()) < 0) {
        abort();
    }
    if (s->program == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(to[0], 0);
        dup2(from[1], 1);
        for (int i = 0; i < 2; i++) {
            close(to[i]);
            close(from[i]);
        }
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    s->commands = fdopen(to[1], "w");
    s->replies = fdopen(from[0], "r");
    running = s;
    signal(SIGABRT, on_abort);
    signal(SIGPIPE, SIG_IGN);
    return s;
}

void qtest_quit(QTestState *s)
{
    end(s);
}

static uint64_t ask(QTestState *s, const char *format, ...)
{
    char reply[256];
    va_list values;

    va_start(values, format);
    vfprintf(s->commands, format, values);
    va_end(values);
    fputc('\n', s->commands);
    fflush(s->commands);
    if (!fgets(reply, sizeof(reply), s->replies)) {
        lost();
    }
    if (strncmp(reply, "OK", 2)) {
        fprintf(stderr, "QEMU answered: %s", reply);
        abort();
    }
    return reply[2] == ' ' ? strtoull(reply + 3, NULL, 16) : 0;
}

void qtest_outl(QTestState *s, uint16_t port, uint32_t value)
{
    ask(s, "outl 0x%x 0x%" PRIx32, port, value);
}

void qtest_writel(QTestState *s, uint64_t address, uint32_t value)
{
    ask(s, "writel 0x%" PRIx64 " 0x%" PRIx32, address, value);
}

void qtest_writeq(QTestState *s, uint64_t address, uint64_t value)
{
    ask(s, "writeq 0x%" PRIx64 " 0x%" PRIx64, address, value);
}

uint32_t qtest_readl(QTestState *s, uint64_t address)
{
    return ask(s, "readl 0x%" PRIx64, address);
}

uint64_t qtest_readq(QTestState *s, uint64_t address)
{
    return ask(s, "readq 0x%" PRIx64, address);
}

int64_t qtest_clock_step(QTestState *s, int64_t nanoseconds)
{
    ask(s, "readl 0x0 " IDLE, 0);
    usleep(2000);
    return nanoseconds;
}

void qtest_add_func(const char *path, void (*test)(void))
{
    if (test_count == MOST_TESTS) {
        abort();
    }
    tests[test_count].path = path;
    tests[test_count++].run = test;
}

void g_test_init(int *argc, char ***argv, void *end_of_options)
{
    (void)argc;
    (void)argv;
    (void)end_of_options;
}

void g_test_skip(const char *why)
{
    skipped = why;
}

int g_test_run(void)
{
    for (int i = 0; i < test_count; i++) {
        skipped = NULL;
        tests[i].run();
        printf("ok %d %s%s%s\n", i + 1, tests[i].path, skipped ? " # SKIP " : "", skipped ? skipped : "");
    }
    return 0;
}
