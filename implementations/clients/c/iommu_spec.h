/*
 * C client of iommu-spec: the program's side of the protocol in docs/protocol.md, version 1, for an IOMMU under test and
 * for a driver under test. C11 and POSIX; usable from C++. Build it with iommu_spec.c beside your own file:
 *
 *   gcc -std=c11 -O2 -o mine mine.c iommu_spec.c
 *
 * A program fills one struct with callbacks and hands it over; everything that goes over the wire is done here:
 *
 *   int main(void) { return iommu_spec_serve_driver(&driver); }
 *
 * Everywhere below an address is a byte address, `offset` a byte offset in the unit's registers, and a requester the
 * 16-bit id bus:device.function (bus in the upper byte). There is one unit or one driver in a program and one run at a
 * time, so nothing takes a handle.
 *
 * printf is free to use: what a program writes to its standard output comes out on standard error, since the protocol
 * keeps the real standard output for itself.
 */
#ifndef IOMMU_SPEC_H
#define IOMMU_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    IOMMU_SPEC_PAGE_SIZE = 4096,
    /* Entries of the queue or command buffer, and of the event log; 128 bits each. */
    IOMMU_SPEC_QUEUE_ENTRIES = 256,
};

/* Architectures, as bits. */
enum { IOMMU_SPEC_VTD = 1, IOMMU_SPEC_AMDVI = 2 };

/* Where a run starts: right after a platform reset, or translating with an empty table in force. As bits. */
enum { IOMMU_SPEC_RESET = 1, IOMMU_SPEC_TRANSLATING = 2 };

/* The platform a run is on. Fields of the other architecture are zero. */
struct iommu_spec_profile {
    const char *id;
    unsigned architecture; /* IOMMU_SPEC_VTD or IOMMU_SPEC_AMDVI */
    unsigned host_address_width;
    uint64_t memory_size; /* bytes of memory, from address zero on */

    /* VT-d: VER_REG, CAP_REG and ECAP_REG as they read. */
    unsigned major_version, minor_version;
    uint64_t capability, extended_capability;
    bool ignored_bits_checked; /* entries whose ignored bits are set fault */
    bool protects_translated;  /* protected memory is closed to translated requests too */

    /* AMD-Vi: the two extended feature registers, and what the capability header and firmware tell. */
    uint64_t extended_features, extended_features2;
    bool np_cache, remote_iotlbs, coherent_walks;
    unsigned device_table_fetch;
};

/* What a program may know when a run begins. It is valid until the next run does. */
struct iommu_spec_setup {
    struct iommu_spec_profile profile;
    unsigned start; /* IOMMU_SPEC_RESET or IOMMU_SPEC_TRANSLATING */
    /*
     * Where the root table (VT-d) or device table (AMD-Vi) is, and how many pages it has. From IOMMU_SPEC_TRANSLATING it
     * is in force: a VT-d root table is empty, AMD-Vi entries have V = 1 and TV = 0.
     */
    uint64_t root;
    unsigned root_pages;
    uint64_t queue; /* the invalidation queue or command buffer */
    uint64_t log;   /* the event log; 0 where faults are logged in registers */

    /* Drivers only. */
    uint64_t status;     /* a page for status words */
    bool uses_registers; /* invalidate through registers, not through the queue */
    bool deferred;       /* what an intent takes away may stay until the next sync */

    /* IOMMUs only: a seed for whatever the unit leaves to chance. */
    uint64_t timing;
};

/* What a program is and can do. Zeroes mean: everything. */
struct iommu_spec_program {
    const char *name, *version;
    unsigned architectures;      /* IOMMU_SPEC_VTD | IOMMU_SPEC_AMDVI; at least one */
    const char *const *profiles; /* ids of the platforms it can be on, closed by NULL; NULL for all */
    unsigned starts;             /* IOMMU_SPEC_RESET | IOMMU_SPEC_TRANSLATING */
};

/* Ends the program: the run gets no verdict, and the suite shows the text, starts the program anew and goes on. */
#if defined(__GNUC__)
__attribute__((noreturn, format(printf, 1, 2)))
#endif
void iommu_spec_fail(const char *format, ...);

/*
 * Memory. In a driver these are loads and stores of the CPU, each a round trip; in an IOMMU they are what the unit reads
 * and writes, without one. Addresses are multiples of 8.
 */
uint64_t iommu_spec_load64(uint64_t address);
void iommu_spec_store64(uint64_t address, uint64_t value);

/* ---- An IOMMU under test. */

/* Types of requests, as bits. */
enum { IOMMU_SPEC_READ = 1, IOMMU_SPEC_WRITE = 2, IOMMU_SPEC_ATOMIC = 4, IOMMU_SPEC_ZERO_LENGTH_READ = 8 };

/* A request of a device. It never crosses a page. An AtomicOp needs both rights. */
struct iommu_spec_request {
    uint16_t requester;
    uint64_t address; /* as the device gives it */
    unsigned length;  /* bytes: 4 or 8, 0 for a zero-length read */
    unsigned type;    /* one of IOMMU_SPEC_READ ... */
};

/* What became of a request. */
enum iommu_spec_outcome {
    IOMMU_SPEC_LANDED,    /* reached memory, at the address that the unit says */
    IOMMU_SPEC_BLOCKED,   /* the requester was told that it is unsupported; memory was not touched */
    IOMMU_SPEC_NOWHERE,   /* nothing was seen of it */
    IOMMU_SPEC_INTERRUPT, /* went to the interrupt unit */
    IOMMU_SPEC_DONE,      /* completed without touching memory */
};

struct iommu_spec_iommu {
    struct iommu_spec_program program;
    unsigned requests; /* types its devices can issue; 0 for all */

    /* Brings registers and caches to the start of a run. Memory is ready when this is called. */
    void (*reset)(const struct iommu_spec_setup *setup);
    /* Registers, of 4 or 8 bytes (`width`). */
    uint64_t (*read_register)(uint32_t offset, unsigned width);
    void (*write_register)(uint32_t offset, unsigned width, uint64_t value);
    /*
     * Decides a request, records its fault if there is one, and for IOMMU_SPEC_LANDED sets `landed` to the address in
     * memory. What a write writes is then written there by the client.
     */
    enum iommu_spec_outcome (*request)(const struct iommu_spec_request *request, uint64_t *landed);

    /* The CPU writes the line of 64 bytes at this address back. NULL where the unit snoops the CPU's caches. */
    void (*flush_line)(uint64_t address);

    /*
     * Memory. With NULL the client keeps it. A simulator with memory of its own gives both: every access of the suite
     * goes through them, and before each run the pages that it uses are filled through them.
     */
    uint64_t (*load64)(uint64_t address);
    void (*store64)(uint64_t address, uint64_t value);
};

/* Serves until the suite closes the connection. Returns what main should: 0. */
int iommu_spec_serve_iommu(const struct iommu_spec_iommu *iommu);

/* ---- A driver under test. */

/* Rights, as bits. */
enum { IOMMU_SPEC_RIGHT_READ = 1, IOMMU_SPEC_RIGHT_WRITE = 2 };

/* A device with every requester id that its requests may carry. */
struct iommu_spec_device {
    const char *name;
    const uint16_t *requesters;
    size_t requester_count;
};

/* `pages` pages of 4 KiB from `iova` on, which lead to those from `address` on. */
struct iommu_spec_mapping {
    uint64_t iova, address;
    uint64_t pages;
    unsigned rights; /* IOMMU_SPEC_RIGHT_READ | IOMMU_SPEC_RIGHT_WRITE */
};

/* Names the promise that an intent has taken full effect. */
typedef uint64_t iommu_spec_ticket;

/*
 * What a driver is asked to do. Domains are names of software's; which domain id a domain has, and when it is used again,
 * is the driver's business. A domain comes into being with its first attach or map. docs/driver-interface.md says what
 * the suite promises, such as that no address is mapped twice.
 */
struct iommu_spec_driver {
    struct iommu_spec_program program;
    bool no_queue, no_registers; /* invalidation interfaces that it cannot use */
    bool no_deferred;            /* it is never run in deferred mode */
    bool no_aliases;             /* devices have one requester id each */

    /* A new run: everything that was before is forgotten. Takes the unit over; afterwards translation is on. */
    void (*start)(const struct iommu_spec_setup *setup);
    /* The device uses the domain's mappings from now on; one that has another domain is switched over. */
    void (*attach)(const struct iommu_spec_device *device, const char *domain, iommu_spec_ticket ticket);
    /* The device reaches nothing any more. */
    void (*detach)(const struct iommu_spec_device *device, iommu_spec_ticket ticket);
    void (*map)(const char *domain, const struct iommu_spec_mapping *mapping, iommu_spec_ticket ticket);
    /* Removes pages, all or part of what was mapped at once. */
    void (*unmap)(const char *domain, const struct iommu_spec_mapping *mapping, iommu_spec_ticket ticket);

    /* From here on each may be NULL: then it is not asked for. */

    /* Pages that are mapped get other rights. */
    void (*protect)(const char *domain, const struct iommu_spec_mapping *mapping, iommu_spec_ticket ticket);
    /* Pages that were mapped piece by piece may be mapped by one larger entry. */
    void (*merge)(const char *domain, const struct iommu_spec_mapping *mapping, iommu_spec_ticket ticket);
    /* The domain is gone; its id and tables may serve another. */
    void (*destroy)(const char *domain, iommu_spec_ticket ticket);
    /* What was put off is carried out. */
    void (*sync)(void);
};

/* Serves until the suite closes the connection. Returns what main should: 0. */
int iommu_spec_serve_driver(const struct iommu_spec_driver *driver);

/*
 * What a driver does to the machine, beside iommu_spec_load64 and iommu_spec_store64; from within the callbacks only.
 * After every single one the suite asks what any device could reach.
 */

/* Stores zero to every word of the page. */
void iommu_spec_clear_page(uint64_t page);
/* The CPU writes a line of 64 bytes, or a whole page, back to memory, where walks that do not snoop find it. */
void iommu_spec_flush_line(uint64_t address);
void iommu_spec_flush_page(uint64_t page);

uint32_t iommu_spec_read_register32(uint32_t offset);
uint64_t iommu_spec_read_register64(uint32_t offset);
void iommu_spec_write_register32(uint32_t offset, uint32_t value);
void iommu_spec_write_register64(uint32_t offset, uint64_t value);

/* Reads the 32-bit register until (register & mask) == value. False when it never is. */
bool iommu_spec_poll_register(uint32_t offset, uint32_t mask, uint32_t value);
/* Reads the lower half of a word of memory until it is `value`. False when it never is. */
bool iommu_spec_poll_memory(uint64_t address, uint32_t value);
/* Loads a word that the unit may have written, such as one of the event log; what it showed counts as evidence. */
uint64_t iommu_spec_read_memory(uint64_t address);

/* A page for entries. It holds what its last user left there. */
uint64_t iommu_spec_allocate_table(void);
/* Gives such a page back: anybody may get it next, and write to it. */
void iommu_spec_free_table(uint64_t page);
/* Resets a function: what it was told to do is forgotten. */
void iommu_spec_reset_device(uint16_t requester);
/*
 * Says that an intent has taken full effect: what it gives works; what it takes away is gone for every device, whatever
 * is cached; the pages behind it may be used for something else. Each ticket is settled once: before its callback
 * returns, or in deferred mode before the next sync returns.
 */
void iommu_spec_settled(iommu_spec_ticket ticket);

#ifdef __cplusplus
}
#endif

#endif
