/*
 * Feeds spoiled messages to both roles of the client: each has to end in an answer or in one that says what is wrong,
 * never in a crash. Built with sanitizers; the arguments are the first seed and how many follow. Prints how many
 * messages were answered, and how many refused.
 */
#include "../iommu_spec.c"

#include <sys/wait.h>

static void reset(const struct iommu_spec_setup *start)
{
    iommu_spec_store64(start->root, 1);
}

static uint64_t unit_reads(uint32_t offset, unsigned width)
{
    return offset + width;
}

static void unit_writes(uint32_t offset, unsigned width, uint64_t value)
{
    iommu_spec_store64(offset, value + width);
}

static enum iommu_spec_outcome request(const struct iommu_spec_request *asked, uint64_t *landed)
{
    *landed = asked->address;
    return asked->requester ? IOMMU_SPEC_LANDED : IOMMU_SPEC_BLOCKED;
}

static const struct iommu_spec_iommu unit = {
    .program = {.name = "fuzzed \"unit\"\n", .architectures = IOMMU_SPEC_VTD | IOMMU_SPEC_AMDVI},
    .reset = reset,
    .read_register = unit_reads,
    .write_register = unit_writes,
    .request = request,
};

static void start(const struct iommu_spec_setup *begin)
{
    iommu_spec_store64(begin->root, iommu_spec_allocate_table());
}

static void attach(const struct iommu_spec_device *device, const char *domain, iommu_spec_ticket ticket)
{
    for (size_t at = 0; at < device->requester_count; at++)
        iommu_spec_reset_device(device->requesters[at]);
    iommu_spec_clear_page(strlen(domain) + strlen(device->name));
    iommu_spec_settled(ticket);
}

static void detach(const struct iommu_spec_device *device, iommu_spec_ticket ticket)
{
    attach(device, "", ticket);
}

static void map(const char *domain, const struct iommu_spec_mapping *mapping, iommu_spec_ticket ticket)
{
    iommu_spec_store64(mapping->address, mapping->iova | mapping->rights | strlen(domain));
    iommu_spec_settled(ticket);
}

static const struct iommu_spec_driver software = {
    .program = {.architectures = IOMMU_SPEC_AMDVI},
    .start = start, .attach = attach, .detach = detach, .map = map, .unmap = map,
};

#define PROFILE "\"profile\":{\"architecture\":\"amdvi\",\"id\":\"a\",\"hostAddressWidth\":48,\"memoryPages\":131072," \
                "\"extendedFeatures\":{\"low\":1,\"high\":2},\"npCache\":false}"
#define START "\"start\":\"translating\",\"rootPage\":8192,\"rootPages\":2,\"queuePage\":8194,\"logPage\":null"

static const char *const for_units[] = {
    "{\"id\":1,\"do\":\"reset\",\"setup\":{" PROFILE "," START
    ",\"requesters\":[32],\"dataPages\":[4096,4097],\"tablePages\":[8192],\"timing\":1}}",
    "{\"id\":2,\"do\":\"store\",\"page\":8192,\"word\":8,\"low\":1,\"high\":4294967295}",
    "{\"id\":3,\"do\":\"request\",\"requester\":32,\"page\":4096,\"offset\":8,\"length\":8,\"type\":\"write\",\"value\":5}",
    "{\"id\":4,\"do\":\"poll-register\",\"offset\":28,\"mask\":4294967295,\"value\":32}",
    "{\"id\":5,\"do\":\"poll-memory\",\"page\":8192,\"word\":8,\"value\":1}",
    "{\"id\":6,\"do\":\"read-data\",\"offset\":8,\"pages\":[4096,4097, 4503599627370495]}",
    "{\"id\":7,\"do\":\"write-register\",\"offset\":24,\"width\":4,\"low\":1,\"high\":0}",
};

static const char *const for_drivers[] = {
    "{\"id\":1,\"do\":\"setup\",\"setup\":{" PROFILE "," START ",\"statusPage\":8195,\"flushing\":\"strict\"}}",
    "{\"id\":2,\"do\":\"start\"}", "{\"id\":2,\"low\":0,\"high\":0}", "{\"id\":2,\"low\":8200,\"high\":0}",
    "{\"id\":3,\"do\":\"attach\",\"device\":{\"name\":\"a\\\"\",\"requesters\":[32,33]},\"domain\":\"d0\",\"ticket\":1}",
    "{\"id\":3,\"low\":0,\"high\":0}", "{\"id\":3,\"low\":0,\"high\":0}", "{\"id\":3,\"low\":0,\"high\":0}",
    "{\"id\":3,\"low\":0,\"high\":0}",
    "{\"id\":4,\"do\":\"map\",\"domain\":\"d0\",\"mapping\":{\"iova\":1,\"page\":2,\"pages\":3,\"access\":3},\"ticket\":2}",
    "{\"id\":4,\"low\":0,\"high\":0}", "{\"id\":4,\"low\":0,\"high\":0}",
};

static uint32_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

/* Bytes that mean something in JSON are the more telling ones. */
static char draw_byte(void)
{
    static const char telling[] = "{}[]\",:\\0129-.eE ntf\t";
    return draw(2) ? telling[draw(sizeof telling - 1)] : (char)draw(256);
}

/* Changes bytes of what was put into the input, takes some out, or doubles some. */
static void spoil(void)
{
    for (uint32_t times = draw(4); times > 0; times--) {
        const size_t at = draw((uint32_t)in_end), count = 1 + draw(20);
        const uint32_t way = draw(4);
        if (way < 2) {
            in[at] = draw_byte();
        } else if (way == 2 && at + count < in_end) {
            memmove(in + at, in + at + count, in_end - at - count);
            in_end -= count;
        } else if (at + count < in_end) {
            memmove(in + at + count, in + at, in_end - at);
            in_end += count;
        }
    }
}

static void feed(const char *const *messages, size_t count)
{
    for (size_t at = 0; at < count; at++)
        in_end += (size_t)sprintf(in + in_end, "%s\n", messages[at]);
    spoil();
}

/* In a process of its own, as the client ends its process when something is wrong. Returns how that ended. */
static int run(uint32_t seed)
{
    const pid_t child = fork();
    int status = 0;
    if (child == 0) {
        random_state = seed * 2654435761U + 1;
        freopen("/dev/null", "r", stdin);
        freopen("/dev/null", "w", stdout);
        if (seed & 1) {
            feed(for_units, sizeof for_units / sizeof *for_units);
            exit(iommu_spec_serve_iommu(&unit));
        }
        feed(for_drivers, sizeof for_drivers / sizeof *for_drivers);
        exit(iommu_spec_serve_driver(&software));
    }
    waitpid(child, &status, 0);
    return status;
}

int main(int count, char **arguments)
{
    const uint32_t first = count > 1 ? (uint32_t)atoi(arguments[1]) : 0;
    const uint32_t runs = count > 2 ? (uint32_t)atoi(arguments[2]) : 1000;
    unsigned answered = 0, refused = 0;
    for (uint32_t seed = first; seed < first + runs; seed++) {
        const int status = run(seed);
        if (!WIFEXITED(status) || WEXITSTATUS(status) > EXIT_FAILURE) {
            printf("seed %u ends with status 0x%x\n", (unsigned)seed, (unsigned)status);
            return EXIT_FAILURE;
        }
        if (WEXITSTATUS(status) == 0)
            answered++;
        else
            refused++;
    }
    printf("%u answered, %u refused\n", answered, refused);
    return EXIT_SUCCESS;
}
