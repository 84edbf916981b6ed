/* The program's side of the protocol in docs/protocol.md; iommu_spec.h says how to use it. */
#define _POSIX_C_SOURCE 200809L

#include "iommu_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PROTOCOL = 1,
    /* Bytes of the longest line, and depth of nesting: more is not sent. */
    LONGEST_LINE = 1 << 20,
    DEEPEST = 32,
    LONGEST_NAME = 256,
    MOST_REQUESTERS = 256,
    /* Looks at a register or word before a poll is given up. */
    PATIENCE = 10000,
    /* A device table for every requester id. */
    MOST_ROOT_PAGES = 512,
    WORDS_PER_PAGE = IOMMU_SPEC_PAGE_SIZE / 8,
};

/* Whole numbers are exact up to here in every JSON reader. */
static const uint64_t LARGEST = (UINT64_C(1) << 53) - 1;
static const uint64_t LARGEST_PAGE = (UINT64_C(1) << 52) - 1;

/* Number of the suite's message that is being answered. */
static uint64_t message_id;
static const struct iommu_spec_iommu *iommu;
static const struct iommu_spec_driver *driver;
static struct iommu_spec_setup setup;

/* ---- Output. It is collected, and written when the program is about to wait for input: the suite sends ahead. */

static int out_file = -1;
static char out[1 << 16];
static size_t out_length;

static void flush_output(void)
{
    size_t done = 0;
    while (done < out_length) {
        ssize_t written = write(out_file, out + done, out_length - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR)
            _exit(EXIT_FAILURE); /* nobody listens any more */
    }
    out_length = 0;
}

static void put(const char *text)
{
    for (; *text; text++) {
        if (out_length == sizeof out)
            flush_output();
        out[out_length++] = *text;
    }
}

static void put_number(uint64_t value)
{
    char digits[21];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    put(at);
}

static void put_string(const char *text)
{
    put("\"");
    for (; *text; text++) {
        const char one[2] = {*text, '\0'};
        if (*text == '"' || *text == '\\')
            put("\\");
        put(iscntrl((unsigned char)*text) ? " " : one);
    }
    put("\"");
}

static void put_name(const char *name)
{
    put(",\"");
    put(name);
    put("\":");
}

static void put_field(const char *name, uint64_t value)
{
    put_name(name);
    put_number(value);
}

/* A 64-bit value travels as two halves. */
static void put_halves(uint64_t value)
{
    put_field("low", value & UINT32_MAX);
    put_field("high", value >> 32);
}

static void begin_message(void)
{
    put("{\"id\":");
    put_number(message_id);
}

static void end_message(void)
{
    put("}\n");
}

static void put_done(void)
{
    begin_message();
    end_message();
}

void iommu_spec_fail(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (out_file < 0) { /* there is no conversation yet */
        fprintf(stderr, "%s\n", text);
    } else {
        begin_message();
        put_name("error");
        put_string(text);
        end_message();
        flush_output();
    }
    exit(EXIT_FAILURE);
}

/* What the program prints must not get between the messages. */
static void take_standard_output(void)
{
    out_file = dup(STDOUT_FILENO);
    if (out_file < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        perror("iommu_spec");
        exit(EXIT_FAILURE);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* ---- Input. */

static char in[LONGEST_LINE];
static size_t in_begin, in_end;

/* The next line without its end, valid until the next call; NULL when there is none any more. */
static const char *next_line(void)
{
    size_t looked_at = in_begin;
    for (;;) {
        char *end = memchr(in + looked_at, '\n', in_end - looked_at);
        if (end) {
            const char *line = in + in_begin;
            *end = '\0';
            in_begin = (size_t)(end - in) + 1;
            return line;
        }
        memmove(in, in + in_begin, in_end - in_begin);
        in_end -= in_begin;
        looked_at = in_end;
        in_begin = 0;
        if (in_end == sizeof in)
            iommu_spec_fail("the suite sent a line of more than %d bytes", LONGEST_LINE);
        flush_output();
        ssize_t count = read(STDIN_FILENO, in + in_end, sizeof in - in_end);
        if (count > 0)
            in_end += (size_t)count;
        else if (count == 0 || errno != EINTR)
            return NULL;
    }
}

/* ---- JSON. A line is checked once from end to end; after that, looking things up in it cannot run off. */

static const char *skip_value(const char *at, unsigned depth);

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

/* These return where the text goes on, or NULL when there is no such thing here. */
static const char *skip_string(const char *at)
{
    if (*at != '"')
        return NULL;
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if (*at == '\0')
            return NULL;
    }
    return at + 1;
}

static const char *skip_key(const char *at)
{
    at = skip_string(skip_space(at));
    if (!at)
        return NULL;
    at = skip_space(at);
    return *at == ':' ? at + 1 : NULL;
}

static const char *skip_members(const char *at, unsigned depth)
{
    const bool keyed = *at == '{';
    const char close = keyed ? '}' : ']';
    at = skip_space(at + 1);
    if (*at == close)
        return at + 1;
    for (;; at++) {
        if (keyed && !(at = skip_key(at)))
            return NULL;
        if (!(at = skip_value(at, depth)))
            return NULL;
        at = skip_space(at);
        if (*at == close)
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

static const char *skip_value(const char *at, unsigned depth)
{
    at = skip_space(at);
    if (*at == '"')
        return skip_string(at);
    if (*at == '{' || *at == '[')
        return depth > 0 ? skip_members(at, depth - 1) : NULL;
    const char *start = at;
    while (isalnum((unsigned char)*at) || *at == '-' || *at == '+' || *at == '.')
        at++;
    return at > start ? at : NULL;
}

static bool is_object(const char *line)
{
    const char *end = *skip_space(line) == '{' ? skip_value(line, DEEPEST) : NULL;
    return end && *skip_space(end) == '\0';
}

/* The first value of an object or list, or the one after `value`; NULL when there is none. */
static const char *first_value(const char *list)
{
    const char *at = skip_space(list + 1);
    return *at == '}' || *at == ']' ? NULL : at;
}

static const char *next_value(const char *value)
{
    const char *at = skip_space(skip_value(value, DEEPEST));
    return *at == ',' ? skip_space(at + 1) : NULL;
}

static bool is_string(const char *value, const char *text)
{
    const size_t length = strlen(text);
    return value && *value == '"' && strncmp(value + 1, text, length) == 0 && value[length + 1] == '"';
}

/* The value of a member of an object; NULL when it has none of that name, or is no object. */
static const char *member(const char *object, const char *name)
{
    if (!object || *object != '{')
        return NULL;
    for (const char *key = first_value(object); key;) {
        const char *value = skip_space(skip_key(key));
        if (is_string(key, name))
            return value;
        key = next_value(value);
    }
    return NULL;
}

static uint64_t number_at(const char *value, const char *name, uint64_t most)
{
    uint64_t number = 0;
    bool fits = value && isdigit((unsigned char)*value);
    for (; fits && isdigit((unsigned char)*value); value++) {
        number = number * 10 + (uint64_t)(*value - '0');
        fits = number <= most;
    }
    if (!fits || *value == '.' || isalpha((unsigned char)*value))
        iommu_spec_fail("a message has no whole number up to %llu as %s", (unsigned long long)most, name);
    return number;
}

static uint64_t number(const char *object, const char *name, uint64_t most)
{
    return number_at(member(object, name), name, most);
}

/* Zero where there is no such member, or it is null. */
static uint64_t optional_number(const char *object, const char *name, uint64_t most)
{
    const char *value = member(object, name);
    return value && *value != 'n' ? number_at(value, name, most) : 0;
}

static bool is_true(const char *object, const char *name)
{
    const char *value = member(object, name);
    return value && *value == 't';
}

static uint64_t halves(const char *object)
{
    return number(object, "low", UINT32_MAX) | number(object, "high", UINT32_MAX) << 32;
}

static uint64_t optional_halves(const char *object)
{
    return object ? halves(object) : 0;
}

/* Address of a page that is given by its number. */
static uint64_t page_address(const char *object, const char *name)
{
    return number(object, name, LARGEST_PAGE) * IOMMU_SPEC_PAGE_SIZE;
}

static uint64_t word_address(const char *object)
{
    return page_address(object, "page") + number(object, "word", WORDS_PER_PAGE - 1) * 8;
}

/* Names are kept as they are written, escapes and all: that tells one from another. */
static const char *copy_string(const char *object, const char *name, char copy[LONGEST_NAME])
{
    const char *value = member(object, name);
    const char *end = value ? skip_string(value) : NULL;
    const size_t length = end ? (size_t)(end - value) - 2 : LONGEST_NAME;
    if (length >= LONGEST_NAME)
        iommu_spec_fail("a message has no string of less than %d bytes as %s", LONGEST_NAME, name);
    memcpy(copy, value + 1, length);
    copy[length] = '\0';
    return copy;
}

/* ---- What both roles have: the hand-shake, what a run starts from, and the loop. */

struct handler {
    const char *name;
    void (*handle)(const char *message);
    /* While it runs a driver makes accesses; its end is said here. */
    bool is_intent;
};

/* The names of the bits that are set. */
static void put_bits(const char *name, const char *const *names, unsigned bits)
{
    const char *separator = "";
    put_name(name);
    put("[");
    for (; *names; names++, bits >>= 1) {
        if ((bits & 1) == 0)
            continue;
        put(separator);
        put_string(*names);
        separator = ",";
    }
    put("]");
}

static void begin_hello(const char *role, const struct iommu_spec_program *program)
{
    static const char *const architectures[] = {"vtd", "amdvi", NULL};
    static const char *const starts[] = {"reset", "translating", NULL};
    begin_message();
    put_field("protocol", PROTOCOL);
    put_name("role");
    put_string(role);
    put_name("name");
    put_string(program->name ? program->name : "unnamed");
    put_name("version");
    put_string(program->version ? program->version : "0");
    put_bits("architectures", architectures, program->architectures);
    if (program->starts)
        put_bits("starts", starts, program->starts);
    if (program->profiles)
        put_bits("profiles", program->profiles, UINT32_MAX);
}

static void read_profile(const char *from, struct iommu_spec_profile *profile)
{
    static char id[LONGEST_NAME];
    const char *version = member(from, "version");
    *profile = (struct iommu_spec_profile){
        .id = copy_string(from, "id", id),
        .architecture = is_string(member(from, "architecture"), "vtd") ? IOMMU_SPEC_VTD : IOMMU_SPEC_AMDVI,
        .host_address_width = (unsigned)number(from, "hostAddressWidth", 64),
        .memory_size = page_address(from, "memoryPages"),
        .major_version = (unsigned)optional_number(version, "major", UINT32_MAX),
        .minor_version = (unsigned)optional_number(version, "minor", UINT32_MAX),
        .capability = optional_halves(member(from, "capability")),
        .extended_capability = optional_halves(member(from, "extendedCapability")),
        .ignored_bits_checked = is_true(from, "ignoredBitsChecked"),
        .protects_translated = is_true(from, "protectsTranslated"),
        .extended_features = optional_halves(member(from, "extendedFeatures")),
        .extended_features2 = optional_halves(member(from, "extendedFeatures2")),
        .np_cache = is_true(from, "npCache"),
        .remote_iotlbs = is_true(from, "remoteIotlbs"),
        .coherent_walks = is_true(from, "coherentWalks"),
        .device_table_fetch = (unsigned)optional_number(from, "deviceTableFetch", UINT32_MAX),
    };
}

static void read_setup(const char *from)
{
    setup = (struct iommu_spec_setup){
        .start = is_string(member(from, "start"), "reset") ? IOMMU_SPEC_RESET : IOMMU_SPEC_TRANSLATING,
        .root = page_address(from, "rootPage"),
        .root_pages = (unsigned)number(from, "rootPages", MOST_ROOT_PAGES),
        .queue = page_address(from, "queuePage"),
        .log = optional_number(from, "logPage", LARGEST_PAGE) * IOMMU_SPEC_PAGE_SIZE,
        .status = optional_number(from, "statusPage", LARGEST_PAGE) * IOMMU_SPEC_PAGE_SIZE,
        .uses_registers = is_string(member(from, "invalidation"), "registers"),
        .deferred = is_string(member(from, "flushing"), "deferred"),
        .timing = optional_number(from, "timing", LARGEST),
    };
    read_profile(member(from, "profile"), &setup.profile);
}

static int refuse(const char *reason)
{
    fprintf(stderr, "iommu_spec: %s\n", reason);
    return EXIT_FAILURE;
}

/* Answers to accesses of a driver that have not come yet; all are of the same intent. */
static size_t answers_due;

static const char *checked(const char *line)
{
    if (!is_object(line))
        iommu_spec_fail("the suite sent a line that is no JSON object");
    return skip_space(line);
}

static uint64_t take_answer(const char *line)
{
    const char *answer = checked(line);
    if (number(answer, "id", LARGEST) != message_id)
        iommu_spec_fail("the suite answers something else than the accesses of this intent");
    answers_due--;
    /* A page number may be larger than a half. */
    return number(answer, "low", LARGEST_PAGE) | number(answer, "high", UINT32_MAX) << 32;
}

static void put_end_of_intent(void)
{
    begin_message();
    put(",\"done\":true");
    end_message();
}

static void handle(const struct handler *handlers, size_t count, const char *message)
{
    message_id = number(message, "id", LARGEST);
    size_t at = 0;
    while (at < count && !is_string(member(message, "do"), handlers[at].name))
        at++;
    if (at == count)
        iommu_spec_fail("the suite asks for something that this client does not know");
    handlers[at].handle(message);
    if (handlers[at].is_intent)
        put_end_of_intent();
}

static int serve(const struct handler *handlers, size_t count)
{
    const char *line;
    take_standard_output();
    while ((line = next_line()) != NULL) {
        if (answers_due > 0)
            take_answer(line);
        else
            handle(handlers, count, checked(line));
    }
    flush_output();
    return EXIT_SUCCESS;
}

/* ---- Memory of an IOMMU under test: pages by number, open addressing. A page gets words when one is stored. */

struct page {
    uint64_t number;
    bool used, is_data;
    uint64_t *words;
};

static struct page *pages;
static size_t page_slots, pages_used;

static struct page *slot_of(uint64_t page)
{
    size_t at = (size_t)((page * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (page_slots - 1);
    while (pages[at].used && pages[at].number != page)
        at = (at + 1) & (page_slots - 1);
    return &pages[at];
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        iommu_spec_fail("out of memory");
    return memory;
}

static void grow_pages(void)
{
    struct page *old = pages;
    const size_t old_slots = page_slots;
    page_slots = old_slots ? old_slots * 2 : 256;
    pages = allocate(page_slots, sizeof *pages);
    for (size_t at = 0; at < old_slots; at++)
        if (old[at].used)
            *slot_of(old[at].number) = old[at];
    free(old);
}

static struct page *use_page(uint64_t number_of_page)
{
    if (pages_used * 2 >= page_slots)
        grow_pages();
    struct page *page = slot_of(number_of_page);
    if (!page->used) {
        *page = (struct page){.number = number_of_page, .used = true};
        pages_used++;
    }
    return page;
}

static void forget_pages(void)
{
    for (size_t at = 0; at < page_slots; at++) {
        free(pages[at].words);
        pages[at] = (struct page){.used = false};
    }
    pages_used = 0;
}

/* What 4 bytes of a data page hold before a device writes there. */
static uint32_t page_tag(uint64_t page, unsigned offset)
{
    return UINT32_C(0x40000000) | (uint32_t)(page & 0xfffff) << 10 | offset >> 2;
}

static uint64_t tagged_word(uint64_t page, unsigned word)
{
    return page_tag(page, word * 8) | (uint64_t)page_tag(page, word * 8 + 4) << 32;
}

static uint64_t load_own(uint64_t address)
{
    const struct page *page = page_slots ? slot_of(address / IOMMU_SPEC_PAGE_SIZE) : NULL;
    const unsigned word = (unsigned)(address % IOMMU_SPEC_PAGE_SIZE / 8);
    if (!page || !page->used)
        return 0;
    if (page->words)
        return page->words[word];
    return page->is_data ? tagged_word(page->number, word) : 0;
}

/* Beyond the end of memory there is nothing to hold anything. */
static void store_own(uint64_t address, uint64_t value)
{
    if (address >= setup.profile.memory_size)
        return;
    struct page *page = use_page(address / IOMMU_SPEC_PAGE_SIZE);
    if (!page->words) {
        page->words = allocate(WORDS_PER_PAGE, sizeof *page->words);
        for (unsigned word = 0; page->is_data && word < WORDS_PER_PAGE; word++)
            page->words[word] = tagged_word(page->number, word);
    }
    page->words[address % IOMMU_SPEC_PAGE_SIZE / 8] = value;
}

static uint64_t load_memory(uint64_t address)
{
    return iommu->load64 ? iommu->load64(address & ~UINT64_C(7)) : load_own(address);
}

static void store_memory(uint64_t address, uint64_t value)
{
    if (iommu->store64)
        iommu->store64(address & ~UINT64_C(7), value);
    else
        store_own(address, value);
}

static uint32_t load_half(uint64_t address)
{
    return (uint32_t)(load_memory(address) >> (address & 4 ? 32 : 0));
}

static void store_half(uint64_t address, uint32_t value)
{
    const unsigned shift = address & 4 ? 32 : 0;
    const uint64_t others = load_memory(address) & ~((uint64_t)UINT32_MAX << shift);
    store_memory(address, others | (uint64_t)value << shift);
}

static void fill_pages(const char *list, bool is_data)
{
    for (const char *at = list && *list == '[' ? first_value(list) : NULL; at; at = next_value(at)) {
        const uint64_t page = number_at(at, "page", LARGEST_PAGE);
        if (!iommu->store64)
            use_page(page)->is_data = is_data;
        for (unsigned word = 0; iommu->store64 && word < WORDS_PER_PAGE; word++)
            iommu->store64(page * IOMMU_SPEC_PAGE_SIZE + word * 8, is_data ? tagged_word(page, word) : 0);
    }
}

/* A device table that is in force from the start lets nothing through: V = 1, TV = 0 in entries of 32 bytes. */
static void fill_device_table(void)
{
    const uint64_t end = setup.root + (uint64_t)setup.root_pages * IOMMU_SPEC_PAGE_SIZE;
    for (uint64_t entry = setup.root; entry < end; entry += 32)
        store_memory(entry, 1);
}

/* ---- The role of an IOMMU. */

static void iommu_hello(const char *message)
{
    static const char *const types[] = {"read", "write", "atomic", "zero-length-read", NULL};
    (void)message;
    begin_hello("iommu", &iommu->program);
    if (iommu->requests)
        put_bits("requests", types, iommu->requests);
    end_message();
}

static void iommu_reset(const char *message)
{
    const char *from = member(message, "setup");
    forget_pages();
    read_setup(from);
    fill_pages(member(from, "tablePages"), false);
    fill_pages(member(from, "dataPages"), true);
    if (setup.profile.architecture == IOMMU_SPEC_AMDVI && setup.start == IOMMU_SPEC_TRANSLATING)
        fill_device_table();
    iommu->reset(&setup);
    put_done();
}

static void iommu_store(const char *message)
{
    store_memory(word_address(message), halves(message));
    put_done();
}

static void iommu_flush_line(const char *message)
{
    if (iommu->flush_line)
        iommu->flush_line(page_address(message, "page") + number(message, "line", 63) * 64);
    put_done();
}

static uint32_t offset_of(const char *message)
{
    return (uint32_t)number(message, "offset", UINT32_MAX);
}

static void iommu_write_register(const char *message)
{
    iommu->write_register(offset_of(message), (unsigned)number(message, "width", 8), halves(message));
    put_done();
}

static void put_word(uint64_t value)
{
    begin_message();
    put_halves(value);
    end_message();
}

static void iommu_read_register(const char *message)
{
    const unsigned width = (unsigned)number(message, "width", 8);
    const uint64_t value = iommu->read_register(offset_of(message), width);
    put_word(width == 8 ? value : value & UINT32_MAX);
}

static void iommu_read_memory(const char *message)
{
    put_word(load_memory(word_address(message)));
}

static void put_seen(bool seen)
{
    begin_message();
    put_name("seen");
    put(seen ? "true" : "false");
    end_message();
}

static void iommu_poll_register(const char *message)
{
    const uint32_t offset = offset_of(message);
    const uint32_t mask = (uint32_t)number(message, "mask", UINT32_MAX);
    const uint32_t value = (uint32_t)number(message, "value", UINT32_MAX);
    bool seen = false;
    for (int looks = 0; !seen && looks < PATIENCE; looks++)
        seen = ((uint32_t)iommu->read_register(offset, 4) & mask) == value;
    put_seen(seen);
}

static void iommu_poll_memory(const char *message)
{
    const uint64_t address = word_address(message);
    const uint32_t value = (uint32_t)number(message, "value", UINT32_MAX);
    bool seen = false;
    for (int looks = 0; !seen && looks < PATIENCE; looks++)
        seen = (uint32_t)load_memory(address) == value;
    put_seen(seen);
}

static unsigned type_of(const char *message)
{
    const char *type = member(message, "type");
    if (is_string(type, "read"))
        return IOMMU_SPEC_READ;
    if (is_string(type, "write"))
        return IOMMU_SPEC_WRITE;
    return is_string(type, "atomic") ? IOMMU_SPEC_ATOMIC : IOMMU_SPEC_ZERO_LENGTH_READ;
}

static void put_outcome(enum iommu_spec_outcome outcome, uint64_t landed)
{
    static const char *const effects[] = {
        [IOMMU_SPEC_LANDED] = "",       [IOMMU_SPEC_BLOCKED] = "blocked",
        [IOMMU_SPEC_NOWHERE] = "nowhere", [IOMMU_SPEC_INTERRUPT] = "interrupt",
        [IOMMU_SPEC_DONE] = "done",
    };
    if ((unsigned)outcome > IOMMU_SPEC_DONE)
        iommu_spec_fail("the unit says that %d became of a request, which is no outcome", (int)outcome);
    begin_message();
    if (outcome == IOMMU_SPEC_LANDED) {
        put_field("page", landed / IOMMU_SPEC_PAGE_SIZE);
    } else {
        put_name("effect");
        put_string(effects[outcome]);
    }
    end_message();
}

static void iommu_request(const char *message)
{
    const struct iommu_spec_request request = {
        .requester = (uint16_t)number(message, "requester", UINT16_MAX),
        .address = page_address(message, "page") + number(message, "offset", IOMMU_SPEC_PAGE_SIZE - 1),
        .length = (unsigned)number(message, "length", 8),
        .type = type_of(message),
    };
    const bool writes = request.type == IOMMU_SPEC_WRITE || request.type == IOMMU_SPEC_ATOMIC;
    const uint32_t value = writes ? (uint32_t)number(message, "value", UINT32_MAX) : 0;
    uint64_t landed = 0;
    const enum iommu_spec_outcome outcome = iommu->request(&request, &landed);
    for (unsigned at = 0; writes && outcome == IOMMU_SPEC_LANDED && at < request.length; at += 4)
        store_half(landed + at, value);
    put_outcome(outcome, landed);
}

static void iommu_read_data(const char *message)
{
    const uint64_t offset = number(message, "offset", IOMMU_SPEC_PAGE_SIZE - 1);
    const char *list = member(message, "pages");
    const char *separator = "";
    begin_message();
    put_name("values");
    put("[");
    for (const char *at = list && *list == '[' ? first_value(list) : NULL; at; at = next_value(at)) {
        put(separator);
        put_number(load_half(number_at(at, "page", LARGEST_PAGE) * IOMMU_SPEC_PAGE_SIZE + offset));
        separator = ",";
    }
    put("]");
    end_message();
}

int iommu_spec_serve_iommu(const struct iommu_spec_iommu *given)
{
    static const struct handler handlers[] = {
        {"store", iommu_store, false},
        {"flush-line", iommu_flush_line, false},
        {"write-register", iommu_write_register, false},
        {"read-register", iommu_read_register, false},
        {"poll-register", iommu_poll_register, false},
        {"read-memory", iommu_read_memory, false},
        {"poll-memory", iommu_poll_memory, false},
        {"request", iommu_request, false},
        {"read-data", iommu_read_data, false},
        {"reset", iommu_reset, false},
        {"hello", iommu_hello, false},
    };
    if (!given->reset || !given->read_register || !given->write_register || !given->request)
        return refuse("an IOMMU needs reset, read_register, write_register and request");
    if (!given->load64 != !given->store64)
        return refuse("an IOMMU with memory of its own needs load64 and store64");
    iommu = given;
    return serve(handlers, sizeof handlers / sizeof *handlers);
}

/* ---- The role of a driver. */

static void driver_hello(const char *message)
{
    static const char *const invalidations[] = {"queue", "registers", NULL};
    static const char *const flushings[] = {"strict", "deferred", NULL};
    static const char *const intents[] = {"protect", "merge", "destroy", NULL};
    (void)message;
    begin_hello("driver", &driver->program);
    put_bits("invalidation", invalidations, (driver->no_queue ? 0U : 1U) | (driver->no_registers ? 0U : 2U));
    put_bits("flushing", flushings, driver->no_deferred ? 1U : 3U);
    put_bits("intents", intents,
             (driver->protect ? 1U : 0U) | (driver->merge ? 2U : 0U) | (driver->destroy ? 4U : 0U));
    if (driver->no_aliases)
        put(",\"aliases\":false");
    end_message();
}

static void begin_access(const char *name)
{
    begin_message();
    put_name("do");
    put_string(name);
}

/* Hands over an access whose answer tells nothing. The program goes on, and the answer is taken when it comes. */
static void tell(void)
{
    end_message();
    answers_due++;
}

/* Hands over an access and waits for its answer. */
static uint64_t ask(void)
{
    uint64_t answer = 0;
    tell();
    while (answers_due > 0) {
        const char *line = next_line();
        if (!line)
            exit(EXIT_SUCCESS); /* the suite has no more use for the program */
        answer = take_answer(line);
    }
    return answer;
}

static void put_page(uint64_t address)
{
    put_field("page", address / IOMMU_SPEC_PAGE_SIZE);
}

static void put_address(uint64_t address)
{
    if (address % 8 != 0)
        iommu_spec_fail("address 0x%llx is not a multiple of 8", (unsigned long long)address);
    put_page(address);
    put_field("word", address % IOMMU_SPEC_PAGE_SIZE / 8);
}

uint64_t iommu_spec_load64(uint64_t address)
{
    if (iommu)
        return load_memory(address);
    begin_access("load");
    put_address(address);
    return ask();
}

void iommu_spec_store64(uint64_t address, uint64_t value)
{
    if (iommu) {
        store_memory(address, value);
        return;
    }
    begin_access("store");
    put_address(address);
    put_halves(value);
    tell();
}

static void access_page(const char *name, uint64_t address)
{
    begin_access(name);
    put_page(address);
    tell();
}

void iommu_spec_clear_page(uint64_t page)
{
    access_page("clear-page", page);
}

void iommu_spec_flush_page(uint64_t page)
{
    access_page("flush-page", page);
}

void iommu_spec_free_table(uint64_t page)
{
    access_page("free-table", page);
}

void iommu_spec_flush_line(uint64_t address)
{
    begin_access("flush-line");
    put_page(address);
    put_field("line", address % IOMMU_SPEC_PAGE_SIZE / 64);
    tell();
}

static uint64_t read_register(uint32_t offset, unsigned width)
{
    begin_access("read-register");
    put_field("offset", offset);
    put_field("width", width);
    return ask();
}

uint32_t iommu_spec_read_register32(uint32_t offset)
{
    return (uint32_t)read_register(offset, 4);
}

uint64_t iommu_spec_read_register64(uint32_t offset)
{
    return read_register(offset, 8);
}

static void write_register(uint32_t offset, unsigned width, uint64_t value)
{
    begin_access("write-register");
    put_field("offset", offset);
    put_field("width", width);
    put_halves(value);
    tell();
}

void iommu_spec_write_register32(uint32_t offset, uint32_t value)
{
    write_register(offset, 4, value);
}

void iommu_spec_write_register64(uint32_t offset, uint64_t value)
{
    write_register(offset, 8, value);
}

bool iommu_spec_poll_register(uint32_t offset, uint32_t mask, uint32_t value)
{
    begin_access("poll-register");
    put_field("offset", offset);
    put_field("mask", mask);
    put_field("value", value);
    return ask() == 1;
}

bool iommu_spec_poll_memory(uint64_t address, uint32_t value)
{
    begin_access("poll-memory");
    put_address(address);
    put_field("value", value);
    return ask() == 1;
}

uint64_t iommu_spec_read_memory(uint64_t address)
{
    begin_access("read-memory");
    put_address(address);
    return ask();
}

uint64_t iommu_spec_allocate_table(void)
{
    begin_access("allocate-table");
    return ask() * IOMMU_SPEC_PAGE_SIZE;
}

void iommu_spec_reset_device(uint16_t requester)
{
    begin_access("reset-device");
    put_field("requester", requester);
    tell();
}

void iommu_spec_settled(iommu_spec_ticket ticket)
{
    begin_access("settled");
    put_field("ticket", ticket);
    tell();
}

static void driver_setup(const char *message)
{
    read_setup(member(message, "setup"));
    put_done();
}

static void driver_start(const char *message)
{
    (void)message;
    driver->start(&setup);
}

static void driver_sync(const char *message)
{
    (void)message;
    if (driver->sync)
        driver->sync();
}

static iommu_spec_ticket ticket_of(const char *message)
{
    return number(message, "ticket", LARGEST);
}

static const char *domain_of(const char *message)
{
    static char domain[LONGEST_NAME];
    return copy_string(message, "domain", domain);
}

static struct iommu_spec_device device_of(const char *message)
{
    static char name[LONGEST_NAME];
    static uint16_t requesters[MOST_REQUESTERS];
    const char *from = member(message, "device");
    const char *list = member(from, "requesters");
    size_t count = 0;
    for (const char *at = list && *list == '[' ? first_value(list) : NULL; at; at = next_value(at)) {
        if (count == MOST_REQUESTERS)
            iommu_spec_fail("a device has more than %d requester ids", MOST_REQUESTERS);
        requesters[count++] = (uint16_t)number_at(at, "requester", UINT16_MAX);
    }
    return (struct iommu_spec_device){copy_string(from, "name", name), requesters, count};
}

static void driver_attach(const char *message)
{
    const struct iommu_spec_device device = device_of(message);
    const iommu_spec_ticket ticket = ticket_of(message);
    const char *domain = domain_of(message);
    driver->attach(&device, domain, ticket);
}

static void driver_detach(const char *message)
{
    const struct iommu_spec_device device = device_of(message);
    const iommu_spec_ticket ticket = ticket_of(message);
    driver->detach(&device, ticket);
}

/* An intent about pages of a domain. What it is about is copied: the line is gone when the first access is answered. */
static void about_pages(const char *message,
                        void (*callback)(const char *, const struct iommu_spec_mapping *, iommu_spec_ticket))
{
    const char *from = member(message, "mapping");
    const struct iommu_spec_mapping mapping = {
        .iova = page_address(from, "iova"),
        .address = page_address(from, "page"),
        .pages = number(from, "pages", LARGEST_PAGE),
        .rights = (unsigned)number(from, "access", 3),
    };
    const iommu_spec_ticket ticket = ticket_of(message);
    const char *domain = domain_of(message);
    if (!callback)
        iommu_spec_fail("the suite asks for an intent that the driver does not have");
    callback(domain, &mapping, ticket);
}

static void driver_map(const char *message)
{
    about_pages(message, driver->map);
}

static void driver_protect(const char *message)
{
    about_pages(message, driver->protect);
}

static void driver_unmap(const char *message)
{
    about_pages(message, driver->unmap);
}

static void driver_merge(const char *message)
{
    about_pages(message, driver->merge);
}

static void driver_destroy(const char *message)
{
    const iommu_spec_ticket ticket = ticket_of(message);
    const char *domain = domain_of(message);
    if (!driver->destroy)
        iommu_spec_fail("the suite asks for an intent that the driver does not have");
    driver->destroy(domain, ticket);
}

int iommu_spec_serve_driver(const struct iommu_spec_driver *given)
{
    static const struct handler handlers[] = {
        {"hello", driver_hello, false},
        {"setup", driver_setup, false},
        {"start", driver_start, true},
        {"attach", driver_attach, true},
        {"detach", driver_detach, true},
        {"map", driver_map, true},
        {"protect", driver_protect, true},
        {"unmap", driver_unmap, true},
        {"merge", driver_merge, true},
        {"destroy", driver_destroy, true},
        {"sync", driver_sync, true},
    };
    if (!given->start || !given->attach || !given->detach || !given->map || !given->unmap)
        return refuse("a driver needs start, attach, detach, map and unmap");
    driver = given;
    return serve(handlers, sizeof handlers / sizeof *handlers);
}
