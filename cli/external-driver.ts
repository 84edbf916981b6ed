/** What a driver that is a program can be asked, by what it says of itself: scenarios ask nothing else. */
import type { IntentGeneratorOptions } from "../generators/intents/generate.js";
import type { Intent, IntentScenario } from "../generators/intents/scenario.js";
import { factsOf } from "../generators/platform-facts.js";
import { offers } from "../implementations/driver/external/offer.js";
import type { DriverProgram } from "../implementations/driver/external/program.js";
import type { HelloAnswer } from "../implementations/protocol/messages.js";
import type { Subject } from "../properties/subject.js";
import { UsageError } from "./errors.js";

/** Intents that a program may do without; merging is left to chance, as nobody can tell. */
const OPTIONAL_INTENTS = ["protect", "destroy"] as const satisfies readonly Intent["do"][];
const ALWAYS = 256;

/** The profiles of an architecture that a program takes, by their ids. @throws UsageError when there is none */
export function profilesOffered(hello: HelloAnswer, profiles: readonly string[]): readonly string[] {
  const { invalidation } = hello;
  const taken = profiles.filter(
    (one) => offers(hello.profiles, one) && factsOf(one).interfaces.some((way) => offers(invalidation, way)),
  );
  if (taken.length > 0) return taken;
  throw new UsageError(`${hello.name} ${hello.version} takes none of the profiles ${profiles.join(", ")}`);
}

/** What its scenarios are drawn by, beside the profiles. */
export function intentsOffered(hello: HelloAnswer): Partial<IntentGeneratorOptions> {
  const { starts, invalidation, flushing, intents, aliases } = hello;
  return {
    ...(!offers(starts, "reset") && { resetWeight: 0 }),
    ...(!offers(starts, "translating") && { resetWeight: ALWAYS }),
    ...(invalidation?.length === 1 && { invalidation: invalidation[0]! }),
    ...(flushing?.length === 1 && { flushing: flushing[0]! }),
    ...(aliases === false && { aliasWeight: 0 }),
    leftOut: new Set(OPTIONAL_INTENTS.filter((one) => !offers(intents, one))),
  };
}

/** The subject, shrinking only to what the program can be asked, and starting it anew for what is to be shown. */
export function externalSubject(
  subject: Subject<IntentScenario>,
  program: DriverProgram,
  hello: HelloAnswer,
): Subject<IntentScenario> {
  const { heading, architecture } = subject;
  return {
    ...subject,
    heading: hello.architectures.length > 1 ? `${heading} (${architecture.name})` : heading,
    *simpler(scenario) {
      for (const one of subject.simpler(scenario)) if (isOffered(one, hello)) yield one;
    },
    judgeAfresh(scenario, steerAround) {
      program.end();
      return subject.judgeAfresh(scenario, steerAround);
    },
  };
}

/** Shrinking changes where a run starts, and how invalidations are made; it adds no steps and no devices. */
function isOffered({ profile, start, invalidation, flushing }: IntentScenario, hello: HelloAnswer): boolean {
  return (
    offers(hello.profiles, profile) &&
    offers(hello.starts, start) &&
    offers(hello.invalidation, invalidation) &&
    offers(hello.flushing, flushing)
  );
}
