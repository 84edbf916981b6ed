/*
 * The smallest VT-d driver that is right on every platform: 4 KiB pages only, and after every intent everything that may
 * be cached is invalidated. Slow, and a good place to start. From this folder:
 *
 *   gcc -std=c11 -O2 -I.. -o driver driver.c ../iommu_spec.c
 *   npx iommu-spec check --driver exec:./driver
 *
 * With -DSETTLES_BEFORE_FLUSH it has one mistake, the most common one: pages are given back before the invalidation is
 * complete. Section numbers are those of the VT-d specification, Rev 5.10.
 */
#include <string.h>

#include "iommu_spec.h"

/* Offsets of registers (11.2). */
enum { GCMD = 0x18, GSTS = 0x1c, RTADDR = 0x20, CCMD = 0x28, IQT = 0x88, IQA = 0x90 };

/* Bits of GCMD and GSTS (11.4.4). TE and QIE keep their level, so every write of GCMD has to repeat them. */
#define TE UINT32_C(0x80000000)
#define SRTP UINT32_C(0x40000000)
#define WBF UINT32_C(0x08000000)
#define QIE UINT32_C(0x04000000)

/* Upper half of CCMD and of IOTLB: set until the command is done. */
#define BUSY UINT32_C(0x80000000)

#define ADDRESS_BITS UINT64_C(0x000ffffffffff000)

enum {
    PRESENT = 1,
    READ_AND_WRITE = 3,
    /* Every unit has 16 domain ids at least (CAP.ND); 0 is taken in caching mode (6.1). */
    DOMAIN_IDS = 16,
    TABLES_PER_DOMAIN = 64,
    BUSES = 256,
};

struct domain {
    char name[64];
    bool used;
    uint64_t top;
    uint64_t tables[TABLES_PER_DOMAIN];
    unsigned table_count;
};

/* All that is known of one run; the index of a domain is its domain id. */
static struct {
    struct iommu_spec_setup setup;
    unsigned levels;
    bool needs_line_flush, needs_buffer_flush;
    uint32_t iotlb_register;
    uint32_t command; /* level bits of GCMD as they were last written */
    uint64_t tail;
    uint32_t waits;
    struct domain domains[DOMAIN_IDS];
    uint64_t context_tables[BUSES];
    bool attached[1 << 16];
} unit;

/* ---- What the unit needs to be told. */

static void wait_for_status(uint32_t mask, uint32_t value)
{
    if (!iommu_spec_poll_register(GSTS, mask, value))
        iommu_spec_fail("GSTS never showed 0x%x under mask 0x%x", (unsigned)value, (unsigned)mask);
}

static void switch_level(uint32_t bit, bool on)
{
    unit.command = on ? unit.command | bit : unit.command & ~bit;
    iommu_spec_write_register32(GCMD, unit.command);
    wait_for_status(bit, on ? bit : 0);
}

/* Where walks do not snoop the CPU's caches (ECAP.C = 0), what was stored has to be written back. */
static void store(uint64_t address, uint64_t value)
{
    iommu_spec_store64(address, value);
    if (unit.needs_line_flush)
        iommu_spec_flush_line(address);
}

/* 6.8: where CAP.RWBF is set, stores wait in a buffer until it is flushed. */
static void flush_write_buffer(void)
{
    if (!unit.needs_buffer_flush)
        return;
    iommu_spec_write_register32(GCMD, unit.command | WBF);
    wait_for_status(WBF, 0);
}

/* ---- Invalidation. */

/* The queue's memory is always snooped (3.10), so its descriptors need no write-back. */
static void submit(uint64_t low, uint64_t high)
{
    const uint64_t descriptor = unit.setup.queue + unit.tail * 16;
    iommu_spec_store64(descriptor, low);
    iommu_spec_store64(descriptor + 8, high);
    unit.tail = (unit.tail + 1) % IOMMU_SPEC_QUEUE_ENTRIES;
}

/* 6.5.2: context cache, then IOTLB (what is left in the former could refill the latter), then a wait. */
static void flush_by_queue(void)
{
    const uint32_t wait = ++unit.waits;
    submit(0x11, 0);
    submit(0xd2, 0);
    submit(0x25 | (uint64_t)wait << 32, unit.setup.status);
    iommu_spec_write_register64(IQT, unit.tail << 4);
    /* Submitted is not done: done is when the status word shows the value of this wait. */
    if (!iommu_spec_poll_memory(unit.setup.status, wait))
        iommu_spec_fail("the wait descriptor was never done");
}

/* 6.5.1: the same through registers, one command after the other. */
static void flush_by_registers(void)
{
    iommu_spec_write_register64(CCMD, UINT64_C(0xa000000000000000));
    if (!iommu_spec_poll_register(CCMD + 4, BUSY, 0))
        iommu_spec_fail("the context-cache invalidation was never done");
    iommu_spec_write_register64(unit.iotlb_register, UINT64_C(0x9003000000000000));
    if (!iommu_spec_poll_register(unit.iotlb_register + 4, BUSY, 0))
        iommu_spec_fail("the IOTLB invalidation was never done");
}

/* When this is over, nothing that was stored before is hidden, and nothing older is in any cache. */
static void flush(void)
{
    flush_write_buffer();
    if (unit.setup.uses_registers)
        flush_by_registers();
    else
        flush_by_queue();
}

/* ---- Tables. */

/* An empty table. The page still holds what its last user left there, and may be linked when walks see it clear. */
static uint64_t new_table(void)
{
    const uint64_t page = iommu_spec_allocate_table();
    iommu_spec_clear_page(page);
    if (unit.needs_line_flush)
        iommu_spec_flush_page(page);
    flush_write_buffer();
    return page;
}

static struct domain *find_domain(const char *name)
{
    for (unsigned id = 1; id < DOMAIN_IDS; id++)
        if (unit.domains[id].used && strcmp(unit.domains[id].name, name) == 0)
            return &unit.domains[id];
    return NULL;
}

static uint64_t domain_table(struct domain *domain)
{
    if (domain->table_count == TABLES_PER_DOMAIN)
        iommu_spec_fail("domain %s has no room for another table", domain->name);
    return domain->tables[domain->table_count++] = new_table();
}

/* A domain has its id and top table from the first time it is used. */
static struct domain *get_domain(const char *name)
{
    struct domain *found = find_domain(name);
    if (found)
        return found;
    for (unsigned id = 1; id < DOMAIN_IDS; id++) {
        struct domain *domain = &unit.domains[id];
        if (domain->used)
            continue;
        memset(domain, 0, sizeof *domain);
        strncpy(domain->name, name, sizeof domain->name - 1);
        domain->used = true;
        domain->top = domain_table(domain);
        return domain;
    }
    iommu_spec_fail("no domain id is free for %s", name);
}

/* 9.8: every level of tables takes 9 bits of the address. */
static uint64_t entry_address(uint64_t table, uint64_t iova, unsigned level)
{
    return table + (iova >> (12 + 9 * (level - 1)) & 511) * 8;
}

/* The table whose entries map the address; tables that are missing on the way are added. Leaves give the rights. */
static uint64_t leaf_table(struct domain *domain, uint64_t iova)
{
    uint64_t table = domain->top;
    for (unsigned level = unit.levels; level > 1; level--) {
        const uint64_t at = entry_address(table, iova, level);
        uint64_t entry = iommu_spec_load64(at);
        if (entry == 0) {
            entry = domain_table(domain) | READ_AND_WRITE;
            store(at, entry);
        }
        table = entry & ADDRESS_BITS;
    }
    return table;
}

/* Entries that map pages with these rights. Without any an entry is not present, whatever else it says (9.8). */
static void store_leaves(const char *name, const struct iommu_spec_mapping *mapping, unsigned rights)
{
    struct domain *domain = get_domain(name);
    uint64_t table = 0;
    for (uint64_t page = 0; page < mapping->pages; page++) {
        const uint64_t iova = mapping->iova + page * IOMMU_SPEC_PAGE_SIZE;
        const uint64_t target = mapping->address + page * IOMMU_SPEC_PAGE_SIZE;
        /* The next page has its entry in the same table, unless that was the last of 512. */
        if (page == 0 || entry_address(0, iova, 1) == 0)
            table = leaf_table(domain, iova);
        store(entry_address(table, iova, 1), rights ? target | rights : 0);
    }
}

/* 9.1: the root table has an entry for each bus, which leads to the context table of that bus. */
static uint64_t context_entry(uint16_t requester)
{
    const unsigned bus = requester >> 8;
    if (unit.context_tables[bus] == 0) {
        unit.context_tables[bus] = new_table();
        store(unit.setup.root + bus * 16, unit.context_tables[bus] | PRESENT);
    }
    return unit.context_tables[bus] + (requester & 255) * 16;
}

/* 9.3. The half with the present bit comes last: a CPU stores 64 bits at once, not 128. */
static void fill_entry(uint16_t requester, const struct domain *domain)
{
    const uint64_t entry = context_entry(requester);
    const uint64_t domain_id = (uint64_t)(domain - unit.domains);
    store(entry + 8, (unit.levels - 2) | domain_id << 8);
    store(entry, domain->top | PRESENT);
    unit.attached[requester] = true;
}

/* The half with the present bit goes first. */
static void clear_entry(uint16_t requester)
{
    const uint64_t entry = context_entry(requester);
    store(entry, 0);
    store(entry + 8, 0);
    unit.attached[requester] = false;
}

/* The device reaches nothing any more, under none of its requester ids. */
static void take_away(const struct iommu_spec_device *device)
{
    bool had[256] = {false};
    bool any = false;
    for (size_t at = 0; at < device->requester_count; at++) {
        had[at] = unit.attached[device->requesters[at]];
        any |= had[at];
        if (had[at])
            clear_entry(device->requesters[at]);
    }
    if (any)
        flush();
    /* Its former owner may have told it to make requests later: they must not come to pass under the next one. */
    for (size_t at = 0; at < device->requester_count; at++)
        if (had[at])
            iommu_spec_reset_device(device->requesters[at]);
}

/* ---- What the suite asks for. Each intent ends by settling its ticket, when nothing of the old is left anywhere. */

/* 11.4.2, 11.4.3: what this unit can do, and what it needs. */
static void read_features(void)
{
    const uint64_t capability = unit.setup.profile.capability;
    const uint64_t extended = unit.setup.profile.extended_capability;
    for (unsigned levels = 3; levels <= 5; levels++)
        if (capability >> (8 + levels - 2) & 1)
            unit.levels = levels;
    unit.needs_buffer_flush = capability >> 4 & 1;
    unit.needs_line_flush = (extended & 1) == 0;
    unit.iotlb_register = (uint32_t)(extended >> 8 & 0x3ff) * 16 + 8;
}

/* Translation is on already: what the unit says of itself is where we are. */
static void take_over(void)
{
    unit.command = iommu_spec_read_register32(GSTS) & (TE | QIE);
    unit.tail = iommu_spec_read_register64(IQT) >> 4;
    /* 6.5.1: the invalidation registers are for a unit whose queue is off. */
    if (unit.setup.uses_registers && (unit.command & QIE))
        switch_level(QIE, false);
}

static void start(const struct iommu_spec_setup *setup)
{
    memset(&unit, 0, sizeof unit);
    unit.setup = *setup;
    read_features();
    if (setup->start == IOMMU_SPEC_TRANSLATING) {
        take_over();
        return;
    }
    iommu_spec_write_register64(RTADDR, setup->root);
    iommu_spec_write_register32(GCMD, SRTP);
    wait_for_status(SRTP, SRTP);
    if (!setup->uses_registers) {
        iommu_spec_write_register64(IQT, 0);
        iommu_spec_write_register64(IQA, setup->queue);
        switch_level(QIE, true);
    }
    /* 6.6: after a new root table nothing of an old one may be in use. */
    flush();
    switch_level(TE, true);
    /* 6.5.4: a write from the time before may still be on its way; this flush has it land now. */
    flush();
}

static void attach(const struct iommu_spec_device *device, const char *name, iommu_spec_ticket ticket)
{
    /*
     * A device that has another domain loses it first, completely: a new entry written over the old one would for a
     * moment mix the two.
     */
    take_away(device);
    const struct domain *domain = get_domain(name);
    for (size_t at = 0; at < device->requester_count; at++)
        fill_entry(device->requesters[at], domain);
    flush();
    iommu_spec_settled(ticket);
}

static void detach(const struct iommu_spec_device *device, iommu_spec_ticket ticket)
{
    take_away(device);
    iommu_spec_settled(ticket);
}

static void map(const char *domain, const struct iommu_spec_mapping *mapping, iommu_spec_ticket ticket)
{
    store_leaves(domain, mapping, mapping->rights);
    /* 6.1: a unit in caching mode (CAP.CM) may have cached that nothing was there. */
    flush();
    iommu_spec_settled(ticket);
}

static void unmap(const char *domain, const struct iommu_spec_mapping *mapping, iommu_spec_ticket ticket)
{
    store_leaves(domain, mapping, 0);
#ifdef SETTLES_BEFORE_FLUSH
    iommu_spec_settled(ticket);
    flush();
#else
    /* Settled means that the pages may be used for something else: not before the flush is complete. */
    flush();
    iommu_spec_settled(ticket);
#endif
}

static void destroy(const char *name, iommu_spec_ticket ticket)
{
    struct domain *domain = find_domain(name);
    if (domain) {
        /* Id and tables may be used for something else when no cache leads to them any more. */
        flush();
        for (unsigned at = 0; at < domain->table_count; at++)
            iommu_spec_free_table(domain->tables[at]);
        domain->used = false;
    }
    iommu_spec_settled(ticket);
}

static const struct iommu_spec_driver driver = {
    .program = {.name = "minimal-c", .version = "1", .architectures = IOMMU_SPEC_VTD},
    .start = start,
    .attach = attach,
    .detach = detach,
    .map = map,
    .unmap = unmap,
    /* Other rights are other entries. */
    .protect = map,
    .destroy = destroy,
};

int main(void)
{
    return iommu_spec_serve_driver(&driver);
}
