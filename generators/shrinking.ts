/**
 * What making scenarios smaller is made of, whatever their steps are: steps go, things are merged or dropped, fields
 * take simpler values, addresses become fewer.
 */

interface Named {
  readonly name: string;
}

/** What all scenarios have. Steps mention a device or domain in fields of that name, a page in `iova` or `page`. */
export interface Stepped<Step extends object = object> {
  readonly steps: Step[];
}

/** Scenarios that say which devices and domains there are. */
export interface Shrinkable<Step extends object = object> extends Stepped<Step> {
  readonly devices: Named[];
  readonly domains: Named[];
}

/** True when `sizes` are below `others` in the first measure in which they differ. */
export function isBelow(sizes: readonly number[], others: readonly number[]): boolean {
  const at = sizes.findIndex((size, index) => size !== others[index]);
  return at >= 0 && sizes[at]! < others[at]!;
}

/** The scenario without chunks of steps, each half as long as the one before, down to single steps. */
export function* withoutSteps<S extends Stepped>(scenario: S): Generator<S> {
  const { steps } = scenario;
  for (let chunk = Math.ceil(steps.length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
    for (let from = 0; from < steps.length; from += chunk) {
      yield { ...scenario, steps: [...steps.slice(0, from), ...steps.slice(from + chunk)] };
    }
  }
}

/** The scenario without any two of its steps, and without any three. */
export function* withoutSeveral<S extends Stepped>(scenario: S): Generator<S> {
  const { steps } = scenario;
  for (const [first] of steps.entries())
    for (let second = first + 1; second < steps.length; second++) {
      const left = steps.filter((_, index) => index !== first && index !== second);
      yield { ...scenario, steps: left };
      for (let third = second - 1; third < left.length; third++)
        yield { ...scenario, steps: left.toSpliced(third, 1) };
    }
}

/** The scenario with one step less, and another one of its steps elsewhere. */
export function* rearranged<S extends Stepped>(scenario: S): Generator<S> {
  for (const gone of scenario.steps.keys()) {
    const left = scenario.steps.toSpliced(gone, 1);
    for (const [from, step] of left.entries()) {
      const others = left.toSpliced(from, 1);
      for (let to = 0; to < left.length; to++)
        if (to !== from) yield { ...scenario, steps: others.toSpliced(to, 0, step) };
    }
  }
}

/** The scenario without the devices and domains that no step mentions. */
export function* withoutUnused<S extends Shrinkable>(scenario: S): Generator<S> {
  const used = new Set<unknown>();
  visit(scenario.steps, (name, value) => {
    if (name === "device" || name === "domain") used.add(value);
  });
  const devices = scenario.devices.filter((one) => used.has(one.name));
  const domains = scenario.domains.filter((one) => used.has(one.name));
  yield { ...scenario, devices, domains };
}

/** One device, or domain, everywhere in the place of another. */
export function* merged<S extends Shrinkable>(scenario: S): Generator<S> {
  const { devices, domains, steps } = scenario;
  for (const [into, from] of pairsOf(devices)) {
    const rest = devices.filter((one) => one !== from);
    yield { ...scenario, devices: rest, steps: renamed(steps, "device", from.name, into.name) };
  }
  for (const [into, from] of pairsOf(domains)) {
    const rest = domains.filter((one) => one !== from);
    yield { ...scenario, domains: rest, steps: renamed(steps, "domain", from.name, into.name) };
  }
}

function pairsOf<T>(list: readonly T[]): [T, T][] {
  return list.flatMap((into) => list.filter((from) => from !== into).map((from): [T, T] => [into, from]));
}

/** The steps with every mention of one device or domain replaced by another. */
export function renamed<Step extends object>(
  steps: readonly Step[],
  what: "device" | "domain",
  from: string,
  into: string,
): Step[] {
  return steps.map((step) =>
    replaced(step, (name, value) => (name === what && value === from ? into : value)),
  );
}

/** The scenario with one step in a simpler form. */
export function* withSimplerSteps<Step extends object, S extends Stepped<Step>>(
  scenario: S & Stepped<Step>,
  simpler: (step: Step) => Iterable<Step>,
): Generator<S> {
  for (const [index, step] of scenario.steps.entries()) {
    for (const one of simpler(step)) yield { ...scenario, steps: scenario.steps.with(index, one) };
  }
}

/** Values that a field of a step takes, the simplest first; undefined for a field that has no such order. */
export type Preferences<Step> = (step: Step, name: string) => readonly unknown[] | undefined;

/** How far the fields of a step are from their simplest values. */
export function distanceFrom<Step extends object>(preferences: Preferences<Step>, step: Step): number {
  let distance = 0;
  for (const [name, value] of Object.entries(step)) {
    const values = preferences(step, name);
    if (values) distance += Math.max(0, values.indexOf(value));
  }
  return distance;
}

/** The step with one field at a simpler value. */
export function* withSimplerFields<Step extends object>(
  preferences: Preferences<Step>,
  step: Step,
): Generator<Step> {
  for (const [name, value] of Object.entries(step)) {
    const values = preferences(step, name) ?? [];
    for (const simpler of values.slice(0, Math.max(0, values.indexOf(value)))) {
      yield { ...step, [name]: simpler };
    }
  }
}

/** One address everywhere in the place of a larger one. */
export function* withFewerAddresses<S extends Stepped>(scenario: S): Generator<S> {
  const addresses = [...new Set(addressesOf(scenario.steps))].sort((one, other) => one - other);
  for (const from of addresses) {
    for (const into of addresses) {
      if (into >= from) break;
      yield withAddresses(scenario, (value) => (value === from ? into : value));
    }
  }
}

/** The scenario with another address for each address. */
export function withAddresses<S extends Stepped>(scenario: S, change: (address: number) => number): S {
  const steps = scenario.steps.map((step) =>
    replaced(step, (name, value) => (isAddress(name) ? change(value as number) : value)),
  );
  return { ...scenario, steps };
}

function isAddress(name: string): boolean {
  return name === "iova" || name === "page";
}

/** Every address that steps mention, in their order. */
export function addressesOf(steps: readonly object[]): number[] {
  const found: number[] = [];
  visit(steps, (name, value) => {
    if (isAddress(name)) found.push(value as number);
  });
  return found;
}

/** How large the addresses are that steps mention. */
export function sizeOfAddresses(steps: readonly object[]): number {
  return addressesOf(steps).reduce((sum, one) => sum + Math.log2(1 + one), 0);
}

/** Shows each field of plain data, those of its parts included. */
function visit(data: object, look: (name: string, value: unknown) => void): void {
  for (const [name, value] of Object.entries(data)) {
    if (typeof value === "object" && value !== null) visit(value, look);
    else look(name, value);
  }
}

/** A copy of plain data with each field given to `change`. */
function replaced<T extends object>(data: T, change: (name: string, value: unknown) => unknown): T {
  const copy = Object.entries(data).map(([name, value]) => [
    name,
    typeof value === "object" && value !== null ? replaced(value, change) : change(name, value),
  ]);
  return Object.fromEntries(copy) as T;
}
