/** The protocol as a list of records, each drawn alone. */
import fc from "fast-check";
import { DOMAINS, PAGES, Protocol, REQUESTERS, type Step, violationOf } from "./protocol.js";
import { MOST_STEPS, type Way } from "./way.js";

const requester = fc.nat(REQUESTERS - 1);
const domain = fc.nat(DOMAINS - 1);
const iova = fc.nat(PAGES - 1);
const page = fc.nat(PAGES - 1);

/** Steps of each kind. */
const STEPS: readonly fc.Arbitrary<Step>[] = [
  fc.record({ do: fc.constant("attach"), requester, domain }),
  fc.record({ do: fc.constant("map"), domain, iova, page }),
  fc.record({ do: fc.constant("unmap"), domain, iova }),
  fc.record({ do: fc.constant("submit"), domain }),
  fc.record({ do: fc.constant("complete") }),
  fc.record({ do: fc.constant("free"), page }),
  fc.record({ do: fc.constant("request"), requester, iova }),
];

/** `fc.array(fc.oneof(fc.record(…)))`. */
export const records: Way<readonly Step[]> = {
  name: "fc.array(fc.oneof(fc.record))",
  arbitrary: () => fc.array(fc.oneof(...STEPS), { maxLength: MOST_STEPS, size: "max" }),
  from: (steps) => steps,
  check: (steps, freeing) => violationOf(new Protocol(freeing), steps),
  drawn: (steps) => steps.length,
  shown: (steps) => steps.length,
};
