/*
 * A unit for the tests of the client: requests land where they ask to; registers read their offset, and what was written
 * to them last in the upper half. With -DOWN_MEMORY its memory is its own.
 */
#include "iommu_spec.h"

static uint32_t written;

static void reset(const struct iommu_spec_setup *setup)
{
    written = (uint32_t)setup->profile.extended_features;
}

static uint64_t read_register(uint32_t offset, unsigned width)
{
    (void)width;
    return offset | (uint64_t)written << 32;
}

static void write_register(uint32_t offset, unsigned width, uint64_t value)
{
    written = (uint32_t)value + offset + width;
}

static enum iommu_spec_outcome request(const struct iommu_spec_request *one, uint64_t *landed)
{
    *landed = one->address;
    return one->type == IOMMU_SPEC_ZERO_LENGTH_READ ? IOMMU_SPEC_DONE : IOMMU_SPEC_LANDED;
}

#ifdef OWN_MEMORY
static uint64_t memory[1 << 23];

static uint64_t load64(uint64_t address)
{
    return memory[address / 8];
}

static void store64(uint64_t address, uint64_t value)
{
    memory[address / 8] = value;
}
#endif

static const struct iommu_spec_iommu iommu = {
    .program = {.name = "identity", .version = "2", .architectures = IOMMU_SPEC_VTD | IOMMU_SPEC_AMDVI},
    .requests = IOMMU_SPEC_READ | IOMMU_SPEC_ZERO_LENGTH_READ | IOMMU_SPEC_WRITE,
    .reset = reset, .read_register = read_register, .write_register = write_register, .request = request,

#ifdef OWN_MEMORY
    .load64 = load64, .store64 = store64,
#endif
};

int main(void)
{
    return iommu_spec_serve_iommu(&iommu);
}
