/*
 * A small VT-d unit: that of the Mobile 4 series (profile gm45) with an IOTLB of 16 entries. It has tables of three
 * levels, 4 KiB pages, invalidation through registers, one fault recording register, and protected memory. What it is
 * told to do it does at once; it keeps no context cache. From this folder:
 *
 *   gcc -std=c11 -O2 -I.. -o iommu iommu.c ../iommu_spec.c
 *   npx iommu-spec check --on exec:./iommu
 *
 * With -DFORGETS_ADDRESS_MASK it has one mistake: a page-selective invalidation of several pages removes the first only.
 * Section numbers are those of the VT-d specification, Rev 5.10.
 */
#include <string.h>

#include "iommu_spec.h"

/* Offsets of registers (11.2); where fault record and IOTLB registers are, this unit's CAP.FRO and ECAP.IRO say. */
enum {
    VER = 0x00, CAP = 0x08, ECAP = 0x10, GCMD = 0x18, GSTS = 0x1c, RTADDR = 0x20, CCMD = 0x28, FSTS = 0x34, FECTL = 0x38,
    FEDATA = 0x3c, FEADDR = 0x40, FEUADDR = 0x44, PMEN = 0x64, PLMBASE = 0x68, PLMLIMIT = 0x6c, PHMBASE = 0x70,
    PHMLIMIT = 0x78, IVA = 0x100, IOTLB = 0x108, FRCD = 0x200, REGISTERS_END = 0x210,
};

/* Bits of GCMD and GSTS (11.4.4). */
#define TE UINT32_C(0x80000000)
#define SRTP UINT32_C(0x40000000)
/* ICC of CCMD, IVT of IOTLB and F of FRCD, in the upper 32 bits; EPM of PMEN; IM of FECTL. */
#define BIT_31 UINT32_C(0x80000000)

enum { LEVELS = 3, ADDRESS_WIDTH = 36, LARGEST_ADDRESS_MASK = 9, IOTLB_ENTRIES = 16 };

/* Bits of an entry that hold an address, and those of them that this unit does not have. */
#define ADDRESS_BITS UINT64_C(0x000ffffffffff000)
#define BEYOND_WIDTH UINT64_C(0x000ffff000000000)

/* Fault reasons (7.1.3). */
enum {
    NO_FAULT = 0,
    ROOT_NOT_PRESENT = 0x1, CONTEXT_NOT_PRESENT = 0x2, CONTEXT_INVALID = 0x3, ADDRESS_BEYOND_WIDTH = 0x4,
    NOT_WRITABLE = 0x5, NOT_READABLE = 0x6, TABLE_FETCH = 0x7, ROOT_FETCH = 0x8, CONTEXT_FETCH = 0x9,
    ROOT_RESERVED = 0xa, CONTEXT_RESERVED = 0xb, ENTRY_RESERVED = 0xc, OUTPUT_IN_INTERRUPT_RANGE = 0xe,
    INTERRUPT_RANGE_ACCESS = 0x29,
};

/* What a walk found, and what an entry of the IOTLB keeps of it. Addresses are of pages. */
struct translation {
    bool kept;
    uint16_t requester, domain_id;
    uint64_t input, output;
    unsigned rights;        /* bit 0 read, bit 1 write */
    bool faults_not_logged; /* FPD of the context entry (7.1.1) */
};

static struct {
    uint64_t memory_size;
    uint32_t registers[REGISTERS_END / 4]; /* as they read */
    bool enabled;
    uint64_t root; /* the root table in force: the one of the last SRTP */
    struct translation iotlb[IOTLB_ENTRIES];
} unit;

/* ---- Faults (7.2.1): with one record, a second fault finds it in use. */

static bool fault_pending(void)
{
    return (unit.registers[FRCD / 4 + 3] & BIT_31) != 0;
}

static void record_fault(const struct iommu_spec_request *request, unsigned reason)
{
    uint32_t *record = &unit.registers[FRCD / 4];
    uint32_t *overflow = &unit.registers[FSTS / 4];
    if (*overflow)
        return;
    if (fault_pending()) {
        *overflow = 1;
        return;
    }
    /* 11.4.7.6: FI has as many bits as tables of three levels translate. T1 and T2: 0 write, 2 read, 3 AtomicOp. */
    const uint64_t page = request->address & UINT64_C(0x7ffffff000);
    const uint32_t type = request->type == IOMMU_SPEC_WRITE ? 0 : request->type == IOMMU_SPEC_ATOMIC ? 3 : 2;
    record[0] = (uint32_t)page;
    record[1] = (uint32_t)(page >> 32);
    record[2] = request->requester | (type & 1) << 28;
    record[3] = reason | (type >> 1) << 30 | BIT_31;
}

/* ---- Translation (3.4, 3.7), in the order of the specification's steps. Each returns the reason of a fault. */

static bool is_memory(uint64_t address)
{
    return address < unit.memory_size;
}

/* 9.1: the root entry of the bus. */
static unsigned find_context(uint16_t requester, uint64_t *context)
{
    const uint64_t entry = unit.root + (requester >> 8) * 16U;
    if (!is_memory(entry))
        return ROOT_FETCH;
    const uint64_t low = iommu_spec_load64(entry);
    if ((low & 1) == 0)
        return ROOT_NOT_PRESENT;
    if ((low & 0xffe) || low >> ADDRESS_WIDTH || iommu_spec_load64(entry + 8))
        return ROOT_RESERVED;
    *context = (low & ADDRESS_BITS) + (requester & 255) * 16U;
    return NO_FAULT;
}

/* 9.3: the context entry of the function. Domain ids have 8 bits (CAP.ND). */
static unsigned read_context(uint64_t entry, struct translation *found, uint64_t *table)
{
    if (!is_memory(entry))
        return CONTEXT_FETCH;
    const uint64_t low = iommu_spec_load64(entry);
    const uint64_t high = iommu_spec_load64(entry + 8);
    found->faults_not_logged = low >> 1 & 1;
    if ((low & 1) == 0)
        return CONTEXT_NOT_PRESENT;
    if ((low & 0xff0) || low >> ADDRESS_WIDTH || (high & 0x80) || high >> 16)
        return CONTEXT_RESERVED;
    /* AW has to name three levels; TT = 0 is the only type of a unit without Device-TLBs and pass-through. */
    if ((high & 7) + 2 != LEVELS || (low & 0xc))
        return CONTEXT_INVALID;
    found->domain_id = (uint16_t)(high >> 8 & 0xff);
    *table = low & ADDRESS_BITS;
    return NO_FAULT;
}

/* 3.7, 9.8: from the table of the domain down to the entry that maps a page. */
static unsigned walk_tables(uint64_t table, struct translation *found)
{
    /* Bit 7 asks for a large page where a table is possible, bit 11 for snooping: this unit has neither. */
    static const uint64_t always_reserved = BEYOND_WIDTH | UINT64_C(1) << 62 | 1 << 11;
    found->rights = 3;
    for (unsigned level = LEVELS; level > 0; level--) {
        const uint64_t at = table + (found->input >> (12 + 9 * (level - 1)) & 511) * 8;
        if (!is_memory(at))
            return level == LEVELS ? CONTEXT_INVALID : TABLE_FETCH;
        const uint64_t entry = iommu_spec_load64(at);
        found->rights &= (unsigned)(entry & 3);
        /* An entry without any right is not present, and its other bits are not looked at. */
        if ((entry & 3) == 0)
            return NO_FAULT;
        if ((entry & always_reserved) || (level > 1 && (entry & 0x80)))
            return ENTRY_RESERVED;
        table = entry & ADDRESS_BITS;
    }
    found->output = table;
    return NO_FAULT;
}

static unsigned walk(struct translation *found)
{
    uint64_t context, table;
    unsigned fault = find_context(found->requester, &context);
    if (fault == NO_FAULT)
        fault = read_context(context, found, &table);
    if (fault != NO_FAULT)
        return fault;
    /* 11.4.2: MGAW is smaller than what three levels translate. */
    if (found->input >> ADDRESS_WIDTH)
        return ADDRESS_BEYOND_WIDTH;
    return walk_tables(table, found);
}

/* 6.2.4: found by source id, filled by a walk. What is not present is not kept: there is no caching mode (6.1). */
static unsigned translate(const struct iommu_spec_request *request, struct translation *found)
{
    const uint64_t input = request->address & ~UINT64_C(0xfff);
    struct translation *entry = &unit.iotlb[input / IOMMU_SPEC_PAGE_SIZE % IOTLB_ENTRIES];
    if (entry->kept && entry->requester == request->requester && entry->input == input) {
        *found = *entry;
        return NO_FAULT;
    }
    *found = (struct translation){.kept = true, .requester = request->requester, .input = input};
    const unsigned fault = walk(found);
    if (fault == NO_FAULT && found->rights != 0)
        *entry = *found;
    return fault;
}

/* 3.15 */
static bool in_interrupt_range(uint64_t address)
{
    return address >> 20 == 0xfee;
}

/* 3.7.1, 3.14: CAP.ZLR is 1, so that a zero-length read of a page that can only be written succeeds. */
static unsigned check_rights(const struct iommu_spec_request *request, const struct translation *found)
{
    const bool writes = request->type == IOMMU_SPEC_WRITE || request->type == IOMMU_SPEC_ATOMIC;
    const bool either = request->type == IOMMU_SPEC_ZERO_LENGTH_READ && found->rights != 0;
    if (writes && !(found->rights & 2))
        return NOT_WRITABLE;
    if (request->type != IOMMU_SPEC_WRITE && !either && !(found->rights & 1))
        return NOT_READABLE;
    return in_interrupt_range(found->output) ? OUTPUT_IN_INTERRUPT_RANGE : NO_FAULT;
}

/* 11.4.8: from a base to the end of the block of 2 MiB that the limit is in. */
static bool is_protected(uint64_t address)
{
    const uint32_t *r = unit.registers;
    const uint64_t block = address >> 21;
    const uint64_t base = r[PHMBASE / 4] | (uint64_t)r[PHMBASE / 4 + 1] << 32;
    const uint64_t limit = r[PHMLIMIT / 4] | (uint64_t)r[PHMLIMIT / 4 + 1] << 32;
    if ((r[PMEN / 4] & BIT_31) == 0)
        return false;
    return (block >= r[PLMBASE / 4] >> 21 && block <= r[PLMLIMIT / 4] >> 21) ||
           (block >= base >> 21 && block <= limit >> 21);
}

static enum iommu_spec_outcome serve(const struct iommu_spec_request *request, uint64_t address, uint64_t *landed)
{
    if (is_protected(address))
        return IOMMU_SPEC_BLOCKED;
    *landed = address;
    return request->type == IOMMU_SPEC_ZERO_LENGTH_READ ? IOMMU_SPEC_DONE : IOMMU_SPEC_LANDED;
}

/* 3.15: a DWORD write to FEEx_xxxxh is an interrupt, whether requests are translated or not. */
static bool is_interrupt(const struct iommu_spec_request *request)
{
    return in_interrupt_range(request->address) && request->type == IOMMU_SPEC_WRITE && request->length == 4;
}

/* 3.15, 5.1.4.1: what else goes there is no memory request either, whatever tables say. */
static enum iommu_spec_outcome interrupt_range_request(const struct iommu_spec_request *request)
{
    if (request->type == IOMMU_SPEC_ZERO_LENGTH_READ)
        return IOMMU_SPEC_DONE;
    record_fault(request, INTERRUPT_RANGE_ACCESS);
    return IOMMU_SPEC_BLOCKED;
}

static enum iommu_spec_outcome request(const struct iommu_spec_request *request, uint64_t *landed)
{
    if (is_interrupt(request))
        return IOMMU_SPEC_INTERRUPT;
    if (!unit.enabled)
        return serve(request, request->address, landed);
    if (in_interrupt_range(request->address))
        return interrupt_range_request(request);
    struct translation found;
    unsigned fault = translate(request, &found);
    if (fault == NO_FAULT)
        fault = check_rights(request, &found);
    if (fault == NO_FAULT)
        return serve(request, found.output | (request->address & 0xfff), landed);
    /* 7.1.1: faults of the root entry are recorded in any case; before the context entry is read FPD is unknown. */
    if (!found.faults_not_logged)
        record_fault(request, fault);
    return IOMMU_SPEC_BLOCKED;
}

/* ---- Registers. */

/* 6.5.1.1: there is no context cache, so that nothing is left to do. CAIG (60:59) tells the granularity used. */
static void invalidate_context(void)
{
    uint32_t *upper = &unit.registers[CCMD / 4 + 1];
    const uint32_t granularity = *upper >> 29 & 3;
    *upper = (*upper & ~(BIT_31 | UINT32_C(3) << 27)) | granularity << 27;
}

static bool is_covered(const struct translation *entry, uint32_t granularity, uint16_t domain_id)
{
    const uint32_t *address = &unit.registers[IVA / 4];
    uint64_t range = IOMMU_SPEC_PAGE_SIZE;
#ifndef FORGETS_ADDRESS_MASK
    range <<= address[0] & 0x3f;
#endif
    const uint64_t first = (address[0] | (uint64_t)address[1] << 32) & ~(range - 1);
    if (granularity == 1)
        return true;
    if (entry->domain_id != domain_id)
        return false;
    return granularity == 2 || (entry->input >= first && entry->input - first < range);
}

/* 6.5.1.2: global, of a domain, or of pages of a domain. IAIG (58:57) tells what was done, 0 when nothing was. */
static void invalidate_iotlb(void)
{
    uint32_t *upper = &unit.registers[IOTLB / 4 + 1];
    uint32_t granularity = *upper >> 28 & 3;
    if (granularity == 3 && (unit.registers[IVA / 4] & 0x3f) > LARGEST_ADDRESS_MASK)
        granularity = 0;
    for (unsigned at = 0; granularity != 0 && at < IOTLB_ENTRIES; at++)
        if (is_covered(&unit.iotlb[at], granularity, (uint16_t)*upper))
            unit.iotlb[at].kept = false;
    *upper = (*upper & ~(BIT_31 | UINT32_C(3) << 25)) | granularity << 25;
}

/* 11.4.4.1. Stores are never held back here, so that WBF has nothing to do. */
static void command(uint32_t value)
{
    uint32_t *status = &unit.registers[GSTS / 4];
    unit.enabled = (value & TE) != 0;
    *status = (*status & ~TE) | (value & TE);
    if (value & SRTP) {
        unit.root = (unit.registers[RTADDR / 4] | (uint64_t)unit.registers[RTADDR / 4 + 1] << 32) & ~UINT64_C(0xfff);
        *status |= SRTP;
    }
}

/* Bits of 32 that software can write and read back (11.4). */
static uint32_t writable(uint32_t offset)
{
    switch (offset) {
    case RTADDR: return 0xfffffc00;
    case CCMD: return 0xffffffff;
    case CCMD + 4: return 0xe0000003;
    case FECTL: return BIT_31;
    case FEDATA: return 0xffff;
    case FEADDR: return 0xfffffffc;
    case PMEN: return BIT_31;
    case PLMBASE: case PLMLIMIT: case PHMBASE: case PHMLIMIT: return 0xffe00000;
    case PHMBASE + 4: case PHMLIMIT + 4: return 0xf;
    case IVA: return 0xfffff07f;
    case IOTLB + 4: return 0xb003ffff;
    case RTADDR + 4: case FEUADDR: case IVA + 4: return 0xffffffff;
    default: return 0;
    }
}

static void write32(uint32_t offset, uint32_t value)
{
    if (offset >= REGISTERS_END)
        return;
    uint32_t *place = &unit.registers[offset / 4];
    *place = (*place & ~writable(offset)) | (value & writable(offset));
    if (offset == GCMD)
        command(value);
    else if (offset == CCMD + 4 && (value & BIT_31))
        invalidate_context();
    else if (offset == IOTLB + 4 && (value & BIT_31))
        invalidate_iotlb();
    else if (offset == FSTS)
        *place &= ~(value & 1);
    else if (offset == FRCD + 12)
        *place &= ~(value & BIT_31);
    else if (offset == PMEN)
        *place = (value & BIT_31) ? BIT_31 | 1 : 0; /* PRS follows EPM */
}

static uint32_t read32(uint32_t offset)
{
    if (offset >= REGISTERS_END)
        return 0;
    const uint32_t value = unit.registers[offset / 4];
    const uint32_t status = unit.registers[FSTS / 4] | (fault_pending() ? 2 : 0);
    if (offset == FSTS)
        return status;
    /* 11.4.7.2: while IM is set, IP tells that a message waits. */
    if (offset == FECTL && value && status)
        return value | UINT32_C(0x40000000);
    return value;
}

static void write_register(uint32_t offset, unsigned width, uint64_t value)
{
    write32(offset, (uint32_t)value);
    if (width == 8)
        write32(offset + 4, (uint32_t)(value >> 32));
}

static uint64_t read_register(uint32_t offset, unsigned width)
{
    return read32(offset) | (width == 8 ? (uint64_t)read32(offset + 4) << 32 : 0);
}

static void set64(uint32_t offset, uint64_t value)
{
    unit.registers[offset / 4] = (uint32_t)value;
    unit.registers[offset / 4 + 1] = (uint32_t)(value >> 32);
}

static void reset(const struct iommu_spec_setup *setup)
{
    memset(&unit, 0, sizeof unit);
    unit.memory_size = setup->profile.memory_size;
    unit.registers[VER / 4] = setup->profile.major_version << 4 | setup->profile.minor_version;
    set64(CAP, setup->profile.capability);
    set64(ECAP, setup->profile.extended_capability);
    unit.registers[FECTL / 4] = BIT_31;
    if (setup->start == IOMMU_SPEC_TRANSLATING) {
        unit.enabled = true;
        unit.root = setup->root;
        unit.registers[GSTS / 4] = TE | SRTP;
        set64(RTADDR, setup->root);
    }
}

static const char *const profiles[] = {"gm45", NULL};

static const struct iommu_spec_iommu iommu = {
    .program = {.name = "small-unit", .version = "1", .architectures = IOMMU_SPEC_VTD, .profiles = profiles},
    .reset = reset,
    .read_register = read_register,
    .write_register = write_register,
    .request = request,
};

int main(void)
{
    return iommu_spec_serve_iommu(&iommu);
}
