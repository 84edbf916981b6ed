/*
 * The machine, as VT-d code sees it: what your code calls to reach registers, memory and caches, in terms of the client.
 * Rename and add until your code compiles; addresses are physical, so code that goes through virtual ones needs the
 * identity here. Each of these is one step that the suite looks at.
 */
#ifndef HARDWARE_H
#define HARDWARE_H

#include <stdlib.h>

#include "iommu_spec.h"

/* Registers of the unit, by offset. */
static inline uint32_t readl(uint32_t offset)
{
    return iommu_spec_read_register32(offset);
}

static inline uint64_t readq(uint32_t offset)
{
    return iommu_spec_read_register64(offset);
}

static inline void writel(uint32_t offset, uint32_t value)
{
    iommu_spec_write_register32(offset, value);
}

static inline void writeq(uint32_t offset, uint64_t value)
{
    iommu_spec_write_register64(offset, value);
}

/* Loops of the kind "until (readl(offset) & mask) == value" become one call; it gives up for you. */
static inline void wait_register(uint32_t offset, uint32_t mask, uint32_t value)
{
    if (!iommu_spec_poll_register(offset, mask, value))
        iommu_spec_fail("register 0x%x never showed 0x%x under mask 0x%x", (unsigned)offset, (unsigned)value,
                        (unsigned)mask);
}

/* The same for a status word in memory that the unit writes. */
static inline void wait_memory(uint64_t address, uint32_t value)
{
    if (!iommu_spec_poll_memory(address, value))
        iommu_spec_fail("the word at 0x%llx never became %u", (unsigned long long)address, (unsigned)value);
}

/* Table entries and descriptors. */
static inline uint64_t load(uint64_t address)
{
    return iommu_spec_load64(address);
}

static inline void store(uint64_t address, uint64_t value)
{
    iommu_spec_store64(address, value);
}

/* CLFLUSH of the line that the address is in. */
static inline void clflush(uint64_t address)
{
    iommu_spec_flush_line(address);
}

/* Pages for tables. A fresh one is not zero. */
static inline uint64_t alloc_page(void)
{
    return iommu_spec_allocate_table();
}

static inline void clear_page(uint64_t page)
{
    iommu_spec_clear_page(page);
}

static inline void free_page(uint64_t page)
{
    iommu_spec_free_table(page);
}

#endif
