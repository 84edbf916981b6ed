/** Results for tests of the report. */
import type { Result, ResultCampaign, ResultFinding, ResultVerdict, Timeline, Walk } from "../result.js";

const PERMISSION = {
  id: "vtd.second-stage.write-permission",
  statement: "A write needs W in every entry of the second-stage walk",
  section: "VT-d 3.6.1",
};

const field = (name: string, bits: string, value: string, meaning: string) => ({
  name,
  bits,
  value,
  meaning,
});

type WalkEntry = Walk["entries"][number];

function entry(name: string, address: string, value: string, fields: WalkEntry["fields"]): WalkEntry {
  return { name, address, value, fields, storedStep: 1, replacedStep: null, stale: false, why: null };
}

/** A second-stage walk whose last entry is old. */
export function sampleWalk(): Walk {
  const table = (address: string) => [
    field("R", "0", "1", "Read permission"),
    field("W", "1", "1", "Write permission"),
    field("ADDR", "51:12", address, "Page number of what the entry points to"),
  ];
  const old = entry("level-1 entry", "0x200aff8", "0x00000000_013ff003", table("0x13ff"));
  return {
    request: "write of 0x13ff010 by 00:04.0",
    entries: [
      { ...entry("root address register", "", "0x00000000_02000000", []), storedStep: -1 },
      entry("root entry", "0x2000000", "0x00000000_02007001", [field("P", "0", "1", "Present")]),
      entry("context entry of 00:04.0 (domain 1)", "0x2007200", "0x00000000_02008001", []),
      entry("level-3 entry", "0x2008000", "0x00000000_02009003", table("0x2009")),
      entry("level-2 entry", "0x2009048", "0x00000000_0200a003", table("0x200a")),
      {
        ...old,
        replacedStep: 3,
        stale: true,
        why: "the old level-1 entry is ruled out by the IOTLB invalidation submitted at step 5 and seen complete at step 5",
      },
    ],
    target: "page 0x13ff000, written",
  };
}

/** An old value that is still used after its invalidation was seen complete, where `past` is set; else one never fenced. */
export function sampleTimeline(past: boolean): Timeline {
  const event = (
    at: number,
    lane: string,
    text: string,
    tone: "plain" | "good" | "bad" = "plain",
  ): Timeline["events"][number] => ({ at, until: null, lane, text, tone });
  return {
    lanes: [
      { id: "software", title: "software", kind: "software" },
      { id: "queue", title: "invalidation", kind: "invalidation" },
      { id: "32", title: "00:04.0", kind: "requester" },
    ],
    length: 24,
    steps: [-1, 0, 1, 2, 3, 4, 5].map((step, index) => ({
      step,
      from: [0, 3, 7, 13, 14, 17, 22][index]!,
      until: [3, 7, 13, 14, 17, 22, 24][index]!,
    })),
    events: [
      event(1, "software", "reset, translation on"),
      event(4, "software", "store context entry = 0x02008001"),
      event(8, "software", "store level-1 entry = 0x013ff003"),
      event(13, "32", "read 0x13ff010 reaches page 0x13ff000", "good"),
      event(15, "software", "store level-1 entry = 0x013ff001"),
      { ...event(18, "queue", "IOTLB invalidation, 1 page at 0x13ff000"), until: 21 },
      event(22, "32", "write 0x13ff010 reaches page 0x13ff000", past ? "bad" : "plain"),
    ],
    stale: {
      title: "level-1 entry 0x200aff8 = 0x013ff003",
      from: 8,
      replaced: 15,
      until: past ? 22 : 18,
      fence: past
        ? { submitted: 18, completed: 21, text: "IOTLB invalidation of 1 page, seen complete in step 5" }
        : null,
      text: past
        ? "The old level-1 entry was used after its invalidation had been seen complete"
        : "The page was given back while the old level-1 entry may still be cached",
    },
  };
}

/** A violation by an IOMMU. */
export function sampleFinding(): ResultFinding {
  return {
    signature: "stale/level-1/page",
    kind: "stale",
    meaning: "a request reached memory through entries whose invalidation software had seen complete",
    invariants: ["conformance", "I1"],
    known: null,
    count: 10,
    minimal: true,
    replayed: true,
    file: "out/reference-with-hint-ignores-leaf-VT-d/stale-29f9fecd.json",
    replay:
      "npx iommu-spec replay out/reference-with-hint-ignores-leaf-VT-d/stale-29f9fecd.json --on reference:hint-ignores-leaf",
    message:
      "write of 0x13ff010 by 00:04.0 reaches page 0x13ff000; admissible: it is blocked, reason 5h (LGN.2)",
    rules: [PERMISSION],
    witness: ["root entry at 0x2000000: 0x00000000_02007001, stored by step 1, still there"],
    platform: [
      "profile gm45, starts translating, invalidates through registers",
      "functions: a = 00:04.0",
      "domains: d0 = id 1, 3 levels",
    ],
    steps: [
      "attach a to d0",
      "map m1: d0 0x13ff000 -> 0x13ff000, 4K, read and write",
      "a: read of 8 bytes at 0x13ff000",
      "protect m1: read",
      "invalidate IOTLB of d0 at 0x13ff000, mask 0, leaf entries only, no draining",
      "a: write of 8 bytes at 0x13ff000",
    ],
    brokenStep: 5,
    timeline: sampleTimeline(true),
    walk: sampleWalk(),
    scenario: { format: "iommu-spec scenario 1", steps: [] },
  };
}

/** A known deviation of an emulator, without timeline or walk. */
export function sampleDeviation(): ResultFinding {
  return {
    ...sampleFinding(),
    signature: "register/queue-address-hidden",
    kind: "register",
    meaning: "a register read shows what it cannot hold",
    invariants: ["conformance"],
    known: {
      id: "queue-address-hidden",
      statement: "IQA reads 0 until QIE is set",
      specification: "11.4.9.3: it reads what it was given",
      versions: ["7.2", "10.0", "11.1"],
    },
    message: "register 0x90 reads 0x0, which must be 0x2002000",
    file: "out/qemu-7.2.22-VT-d/queue-address-hidden-ffa70e76.json",
    steps: [],
    brokenStep: -1,
    rules: [],
    witness: [],
    timeline: null,
    walk: null,
  };
}

/** A campaign whose verdicts follow from its findings. */
export function sampleCampaign(heading: string, findings: readonly ResultFinding[]): ResultCampaign {
  const verdict = (invariant: string, title: string): ResultVerdict => {
    const broken = findings.flatMap((one, index) => (one.invariants.includes(invariant) ? [index] : []));
    const fresh = broken.some((index) => findings[index]!.known === null);
    return {
      invariant,
      title,
      statement: `What ${invariant} states`,
      sections: ["6.5.2.3", "6.5.4"],
      verdict: fresh ? "violated" : broken.length > 0 ? "known deviations" : "holds",
      findings: broken,
    };
  };
  return {
    implementation: heading,
    heading,
    architecture: { id: "vtd", name: "VT-d" },
    seed: 1,
    workers: 2,
    runs: 10_000,
    requests: 93_412,
    seconds: 20.4,
    verdicts: [
      verdict("conformance", "every observation is admissible"),
      verdict("I1", "nothing reaches freed pages"),
      verdict("I10", "every blocked request is reported"),
      verdict("I2", "only what was granted"),
    ],
    findings: [...findings],
    unknown: [],
    failures: [],
    mended: [],
    coverage: [
      { ...PERMISSION, count: 812 },
      { id: "vtd.root.fetch", statement: "The root entry can be read", section: "VT-d 7.1.3", count: 0 },
    ],
    generated: [
      {
        group: "profiles",
        values: [
          { name: "gm45", count: 5212 },
          { name: "qemu-48", count: 4788 },
        ],
      },
      {
        group: "requests",
        values: [
          { name: "read, reaches memory", count: 60_000 },
          { name: "write, blocked", count: 33_412 },
        ],
      },
    ],
  };
}

/** Two implementations: one with a violation, one with a known deviation, a failure and a run without a verdict. */
export function sampleResult(): Result {
  return {
    format: "iommu-spec result 2",
    tool: { name: "iommu-spec", version: "0.1.0" },
    command: "npx iommu-spec check --on reference:hint-ignores-leaf --seed 1",
    meaning: "1 distinct violation in 20,000 random scenarios: it was shrunk, saved and replayed.",
    campaigns: [
      sampleCampaign("reference with hint-ignores-leaf (VT-d)", [sampleFinding()]),
      {
        ...sampleCampaign("qemu 7.2.22 (VT-d)", [sampleDeviation()]),
        unknown: [{ reason: "a queue that wraps while it is moved", runs: 12 }],
        failures: [
          { message: "no answer within 5 s\nlast words: assertion failed", file: "out/failed.json" },
        ],
        mended: ["out/mended/stale-00000000.json"],
      },
    ],
  };
}

/** As many counterexamples as a long campaign keeps, each with its timeline and walk. */
export function largeResult(count: number): Result {
  const findings = Array.from({ length: count }, (_, index) => ({
    ...sampleFinding(),
    signature: `stale/${index}`,
    message: `write of 0x${(0x1000000 + index * 4096).toString(16)} by 00:04.0 reaches page 0x13ff000; admissible: it is blocked`,
    file: `out/large/stale-${index}.json`,
    timeline: sampleTimeline(index % 2 === 0),
  }));
  return { ...sampleResult(), campaigns: [sampleCampaign("reference, broken (VT-d)", findings)] };
}
