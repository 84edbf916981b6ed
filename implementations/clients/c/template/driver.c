/*
 * VT-d code of your own under test. Put your code beside this file, have it call what hardware.h offers, and call it
 * from the places marked FILL IN, in their order: the suite stops at the first that is left and says which it is.
 *
 *   gcc -std=c11 -O2 -I.. -o driver driver.c ../iommu_spec.c YOUR_CODE.c
 *   npx iommu-spec check --driver exec:./driver --profile skylake
 *
 * ../examples/driver.c is this template filled in.
 */
#include "hardware.h"

/* A new run: the machine is a fresh one, and everything that your code knows of the last one is to be forgotten. */
static void start(const struct iommu_spec_setup *setup)
{
    /*
     * FILL IN: forget the last run (a memset of your state), keep what you need of `setup`, and take the unit over:
     * root table at setup->root (it is zero), queue at setup->queue, status words at setup->status,
     * capabilities setup->profile.capability and setup->profile.extended_capability, or read from the registers.
     * In the end translation is on.
     */
    (void)setup;
    iommu_spec_fail("start is not filled in");
}

/* The device's requests use the domain's mappings from now on, under each of its ids. */
static void attach(const struct iommu_spec_device *device, const char *domain, iommu_spec_ticket ticket)
{
    /*
     * FILL IN: look the domain up by its name, or make one; write the context entries of device->requesters; invalidate
     * what may be cached. A device that has another domain is switched over: between the two
     * it is to be reset (iommu_spec_reset_device), as what it was told to do was for its old domain.
     */
    (void)device, (void)domain;
    iommu_spec_fail("attach is not filled in");
    iommu_spec_settled(ticket);
}

/* The device reaches nothing any more. */
static void detach(const struct iommu_spec_device *device, iommu_spec_ticket ticket)
{
    /* FILL IN: clear the context entries and invalidate; then iommu_spec_reset_device for each requester. */
    (void)device;
    iommu_spec_fail("detach is not filled in");
    iommu_spec_settled(ticket);
}

static void map(const char *domain, const struct iommu_spec_mapping *mapping, iommu_spec_ticket ticket)
{
    /* FILL IN: mapping->pages pages from mapping->iova lead to those from mapping->address, with mapping->rights. */
    (void)domain, (void)mapping;
    iommu_spec_fail("map is not filled in");
    iommu_spec_settled(ticket);
}

static void unmap(const char *domain, const struct iommu_spec_mapping *mapping, iommu_spec_ticket ticket)
{
    /*
     * FILL IN: remove the pages from the tables and invalidate. Where the ticket is settled you promise that no device
     * reaches them any more: they get another owner at once.
     */
    (void)domain, (void)mapping;
    iommu_spec_fail("unmap is not filled in");
    iommu_spec_settled(ticket);
}

static const struct iommu_spec_driver driver = {
    .program = {
        .name = "template",
        .version = "1",
        .architectures = IOMMU_SPEC_VTD,
        /* FILL IN: leave out what your code cannot do. This is a unit that is taken over right after a reset. */
        .starts = IOMMU_SPEC_RESET,
    },
    .no_registers = true, /* it invalidates through the queue only */
    .no_deferred = true,  /* it flushes before an intent is settled, not later */
    .no_aliases = true,   /* a device has one requester id */
    .start = start,
    .attach = attach,
    .detach = detach,
    .map = map,
    .unmap = unmap,
    /* FILL IN, when these five do what they should: .protect, .merge and .destroy; .sync where flushing is deferred. */
};

int main(void)
{
    return iommu_spec_serve_driver(&driver);
}
