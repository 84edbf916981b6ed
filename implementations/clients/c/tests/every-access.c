/* A driver for the tests of the client: makes every access there is when it starts, and prints. */
#include <stdio.h>

#include "iommu_spec.h"

static void start(const struct iommu_spec_setup *setup)
{
    printf("width %u, queue 0x%llx\n", setup->profile.host_address_width, (unsigned long long)setup->queue);
    iommu_spec_store64(setup->root + 16, UINT64_C(0x8000000100000003));
    iommu_spec_flush_line(setup->root + 64);
    iommu_spec_flush_page(setup->root);
    iommu_spec_clear_page(setup->root);
    const uint64_t page = iommu_spec_allocate_table();
    iommu_spec_store64(page, iommu_spec_load64(page + 8));
    iommu_spec_free_table(page);
    iommu_spec_write_register32(24, iommu_spec_read_register32(28));
    iommu_spec_write_register64(32, iommu_spec_read_register64(40));
    if (iommu_spec_poll_register(28, 0x80000000, 0) && !iommu_spec_poll_memory(setup->status + 8, 7))
        iommu_spec_reset_device(32);
    if (iommu_spec_read_memory(setup->log) != 5)
        iommu_spec_fail("the log is \"%s\"", "wrong");
}

static void attach(const struct iommu_spec_device *device, const char *domain, iommu_spec_ticket ticket)
{
    printf("%s has %zu, goes to %s\n", device->name, device->requester_count, domain);
    iommu_spec_settled(ticket);
}

static void detach(const struct iommu_spec_device *device, iommu_spec_ticket ticket)
{
    (void)device, (void)ticket;
}

static void map(const char *domain, const struct iommu_spec_mapping *one, iommu_spec_ticket ticket)
{
    (void)domain, (void)one, (void)ticket;
}

static const struct iommu_spec_driver driver = {
    .program = {.name = "every-access", .architectures = IOMMU_SPEC_VTD, .starts = IOMMU_SPEC_RESET},
    .no_queue = true, .no_deferred = true, .no_aliases = true,
    .start = start, .attach = attach, .detach = detach, .map = map, .unmap = map, .merge = map,
};

int main(void)
{
    return iommu_spec_serve_driver(&driver);
}
