import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { protectedPage } from "../places.js";
import { factsOf } from "../platform-facts.js";
import { clash } from "./clash.js";
import { defaultIntentOptions, generateIntentScenario } from "./generate.js";
import {
  type Intent,
  type IntentScenario,
  type IntentStep,
  intentScenarioFrom,
  intentStepCodec,
} from "./scenario.js";

const SEEDS = Array.from({ length: 1000 }, (_, seed) => seed);
const stepsOf = (scenario: IntentScenario) =>
  scenario.steps.flatMap((step) => (step.do === "together" ? [step.first, step.second] : [step]));

describe("scenarios for VT-d drivers", () => {
  const OPTIONS = defaultIntentOptions("vtd");

  it("gives the scenarios it always gave", () => {
    const hash = createHash("sha256");
    const options = {
      ...OPTIONS,
      profiles: ["qemu-48", "gm45", "skylake-sp", "sapphire-rapids"],
    };
    for (const seed of SEEDS) hash.update(JSON.stringify(generateIntentScenario(seed, options)));
    expect(hash.digest("hex").slice(0, 16)).toMatchInlineSnapshot(`"3608faf6e1daa62f"`);
  });
});

describe.each(["vtd", "amdvi"] as const)("generateIntentScenario: %s", (architecture) => {
  const OPTIONS = defaultIntentOptions(architecture);
  const SCENARIOS = SEEDS.map((seed) => generateIntentScenario(seed, OPTIONS));

  it("gives equal scenarios for equal seeds, others for others", () => {
    for (const seed of SEEDS) expect(generateIntentScenario(seed, OPTIONS)).toEqual(SCENARIOS[seed]);
    expect(new Set(SCENARIOS.map((one) => JSON.stringify(one))).size).toBe(SEEDS.length);
  });

  it("gives scenarios that pass the codec and round-trip through JSON", () => {
    for (const one of SCENARIOS) expect(intentScenarioFrom(JSON.parse(JSON.stringify(one)))).toEqual(one);
  });

  it("keeps to the numbers of steps it is given", () => {
    const options = { ...OPTIONS, fewestSteps: 20, mostSteps: 25 };
    const lengths = new Set(SEEDS.map((seed) => generateIntentScenario(seed, options).steps.length));
    expect([...lengths].sort()).toEqual([20, 21, 22, 23, 24, 25]);
  });

  it("draws every profile, start, flushing and invalidation, the last only where the profile has it", () => {
    expect(new Set(SCENARIOS.map((one) => one.profile))).toEqual(new Set(OPTIONS.profiles));
    expect(new Set(SCENARIOS.map((one) => one.start)).size).toBe(2);
    expect(new Set(SCENARIOS.map((one) => one.flushing)).size).toBe(2);
    expect(new Set(SCENARIOS.map((one) => one.invalidation)).size).toBe(architecture === "vtd" ? 2 : 1);
    for (const { profile, invalidation } of SCENARIOS)
      expect(factsOf(profile).interfaces).toContain(invalidation);
  });

  it("keeps to the flushing it is given, and makes no requests where there should be none", () => {
    const options = { ...OPTIONS, flushing: "deferred", requests: false } as const;
    for (const seed of SEEDS) {
      const { flushing, steps } = generateIntentScenario(seed, options);
      expect(flushing).toBe("deferred");
      expect(steps.some((step) => step.do === "dma")).toBe(false);
    }
  });

  it("leaves out intents, of two at the same time too, and invalidates as it is told", () => {
    const leftOut = new Set(["protect", "destroy"] as const);
    const invalidation = architecture === "vtd" ? "registers" : "queue";
    const profiles = OPTIONS.profiles.filter((one) => factsOf(one).interfaces.includes(invalidation));
    const scenarios = SEEDS.map((seed) =>
      generateIntentScenario(seed, { ...OPTIONS, profiles, leftOut, invalidation }),
    );
    expect(scenarios.flatMap(stepsOf).filter((step) => leftOut.has(step.do as "protect"))).toEqual([]);
    expect(scenarios.some((one) => one.steps.some((step) => step.do === "together"))).toBe(true);
    expect(new Set(scenarios.map((one) => one.invalidation))).toEqual(new Set([invalidation]));
  });

  it("draws every kind of step", () => {
    const kinds = new Set(SCENARIOS.flatMap((one) => one.steps.map((step) => step.do)));
    expect(kinds.size).toBe(intentStepCodec.types.length);
  });

  it("gives every requester id to one device only, and on AMD-Vi only such as device tables reach", () => {
    for (const { devices } of SCENARIOS) {
      if (architecture === "amdvi")
        for (const id of devices.flatMap((one) => one.requesters)) expect(id).toBeLessThan(0x280);
      const ids = devices.flatMap((one) => one.requesters);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it("never maps the protected page, and asks for nothing at the same time that clashes", () => {
    for (const scenario of SCENARIOS) {
      for (const step of stepsOf(scenario)) {
        if (step.do === "map")
          expect(step.page > protectedPage || step.page + step.pages <= protectedPage).toBe(true);
      }
      for (const step of scenario.steps)
        if (step.do === "together") expect(clash(step.first, step.second)).toBe(false);
    }
  });
});

/** What a scenario has in it that bugs need. */
type Encounter =
  | "page of another domain"
  | "address again"
  | "superpage split"
  | "domain after destroy"
  | "alias"
  | "together"
  | "page shared"
  | "request after it";

/** Follows a scenario page by page: what makes sense of it, and what meets. */
class Follower {
  readonly met = new Set<Encounter>();
  senseless = 0;
  private readonly attached = new Map<string, string>();
  /** By domain and address: page and mapping. */
  private readonly mapped = new Map<string, { page: number; mapping: string }>();
  private readonly mappings = new Map<string, Extract<Intent, { do: "map" }>>();
  private readonly formerly = new Map<number, string>();
  private readonly addresses = new Set<string>();
  private readonly domains = new Set<string>();
  private destroyed = false;

  follow(step: IntentStep): void {
    if (step.do === "together") {
      this.met.add("together");
      this.follow(step.first);
      this.follow(step.second);
    } else if (step.do === "dma") {
      if (step.requester === 1) this.met.add("alias");
      if (this.met.has("page of another domain")) this.met.add("request after it");
    } else if (step.do !== "program" && step.do !== "plant" && !this.carryOut(step)) {
      this.senseless++;
    }
  }

  /** False when the intent makes no sense. */
  private carryOut(intent: Intent): boolean {
    switch (intent.do) {
      case "map":
        return this.map(intent);
      case "attach":
        this.enter(intent.domain);
        this.attached.set(intent.device, intent.domain);
        return true;
      case "detach":
        return this.attached.delete(intent.device);
      case "destroy":
        this.destroyed = true;
        return this.domains.delete(intent.domain) && !this.isUsed(intent.domain);
      case "unmap":
      case "protect":
        return this.change(intent);
      default:
        return true;
    }
  }

  private enter(domain: string): void {
    if (this.destroyed && !this.domains.has(domain)) this.met.add("domain after destroy");
    this.domains.add(domain);
  }

  private isUsed(domain: string): boolean {
    return (
      [...this.attached.values()].includes(domain) ||
      [...this.mapped.keys()].some((key) => key.startsWith(`${domain} `))
    );
  }

  private map(intent: Extract<Intent, { do: "map" }>): boolean {
    const { domain, mapping } = intent;
    this.enter(domain);
    this.mappings.set(mapping, intent);
    let sensible = true;
    for (let index = 0; index < intent.pages; index++) {
      const page = intent.page + index;
      const key = `${domain} ${intent.iova + index}`;
      for (const [other, one] of intent.pages > 16 ? [] : this.mapped) {
        if (one.page !== page) continue;
        if (other.startsWith(`${domain} `)) this.met.add("page shared");
        else sensible = false;
      }
      if ((this.formerly.get(page) ?? domain) !== domain) this.met.add("page of another domain");
      if (this.addresses.has(key)) this.met.add("address again");
      if (this.mapped.has(key)) sensible = false;
      this.mapped.set(key, { page, mapping });
      this.addresses.add(key);
      this.formerly.set(page, domain);
    }
    return sensible;
  }

  private change(intent: Extract<Intent, { do: "unmap" | "protect" }>): boolean {
    const { iova, pages, page, domain } = this.mappings.get(intent.mapping)!;
    const whole = pages === 512 && iova % 512 === 0 && page % 512 === 0;
    if (whole && intent.pages < 512) this.met.add("superpage split");
    for (let index = intent.offset; index < intent.offset + intent.pages; index++) {
      const key = `${domain} ${iova + index}`;
      if (this.mapped.get(key)?.mapping !== intent.mapping) return false;
      if (intent.do === "unmap") this.mapped.delete(key);
    }
    return true;
  }
}

describe.each(["vtd", "amdvi"] as const)("what generated scenarios have in them: %s", (architecture) => {
  const OPTIONS = defaultIntentOptions(architecture);
  const SCENARIOS = SEEDS.map((seed) => generateIntentScenario(seed, OPTIONS));
  const followers = SCENARIOS.map((scenario) => {
    const follower = new Follower();
    for (const step of scenario.steps) follower.follow(step);
    return follower;
  });

  it.each<[Encounter, number]>([
    ["page of another domain", 0.4],
    ["request after it", 0.38],
    ["address again", 0.65],
    ["superpage split", 0.17],
    ["domain after destroy", 0.22],
    ["page shared", 0.55],
    ["alias", 0.21],
    ["together", 0.36],
  ])("%s in a share of %d at least", (encounter, floor) => {
    const share = followers.filter((one) => one.met.has(encounter)).length / followers.length;
    expect(share).toBeGreaterThan(floor);
  });

  it("nearly every intent makes sense", () => {
    const intents = SCENARIOS.flatMap(stepsOf).length;
    const senseless = followers.reduce((sum, one) => sum + one.senseless, 0);
    expect(senseless / intents).toBeLessThan(0.01);
  });
});
