/**
 * A driver whose state cannot be read, because it is a user's module: every way is run from the start, and only names are
 * used in order. The number of scenarios grows with every step.
 */
import type { Intent, IntentScenario } from "../../../generators/intents/scenario.js";
import { OutsideModel } from "../../../model/finding.js";
import { ExposureBench, type NamedDriver } from "../../driver-subject.js";
import type { Moment } from "../memento.js";
import type { End, Explored } from "../search.js";
import {
  alphabetOf,
  type DriverConfiguration,
  type NamedStep,
  namesInOrder,
  scenarioOf,
} from "./configuration.js";

export class ReplayedDriver implements Explored {
  readonly alphabet: readonly NamedStep[];
  private readonly scenario: IntentScenario;
  private readonly bench = new ExposureBench();
  private path: readonly number[] = [];

  constructor(
    configuration: DriverConfiguration,
    private readonly driver: NamedDriver,
  ) {
    this.alphabet = namesInOrder(alphabetOf(configuration), configuration);
    this.scenario = scenarioOf(configuration);
  }

  restart(): void {
    this.path = [];
  }

  steps(): readonly number[] {
    const used = { device: 0, domain: 0, iova: 0, page: 0 };
    const mapped = new Set<string>();
    const attached = new Set<string>();
    for (const step of this.path) {
      const { step: intent, ...names } = this.alphabet[step]!;
      for (const kind of ["device", "domain", "iova", "page"] as const)
        used[kind] = Math.max(used[kind], names[kind] + 1);
      if (intent.do === "together") {
        note(intent.first, mapped, attached);
        note(intent.second, mapped, attached);
      } else if (isIntent(intent)) note(intent, mapped, attached);
    }
    const isEnabled = ({ step, device, domain, iova, page }: NamedStep) =>
      device <= used.device &&
      domain <= used.domain &&
      iova <= used.iova &&
      page <= used.page &&
      !(step.do !== "map" && "mapping" in step && !mapped.has(step.mapping)) &&
      !(step.do === "detach" && !attached.has(step.device));
    return this.alphabet.flatMap((one, index) => (isEnabled(one) ? [index] : []));
  }

  take(step: number): End | null {
    this.path = [...this.path, step];
    const steps = this.path.map((one) => this.alphabet[one]!.step);
    try {
      const { finding, failure } = this.bench.run({ ...this.scenario, steps }, this.driver.create);
      return finding || failure !== null ? { finding, failure } : null;
    } catch (error) {
      if (!(error instanceof OutsideModel)) throw error;
      return { finding: null, failure: error.message };
    }
  }

  /** States cannot be told apart. */
  key(): null {
    return null;
  }

  learn(): boolean {
    return false;
  }

  moment(): Moment {
    return { objects: [], contents: [this.path] };
  }

  goBack({ contents }: Moment): void {
    this.path = contents[0] as readonly number[];
  }
}

function isIntent(step: NamedStep["step"]): step is Intent {
  return step.do !== "dma" && step.do !== "program" && step.do !== "plant" && step.do !== "together";
}

/** Takes down what is mapped and attached, as far as the intents tell. */
function note(intent: Intent, mapped: Set<string>, attached: Set<string>): void {
  if (intent.do === "map") mapped.add(intent.mapping);
  else if (intent.do === "attach") attached.add(intent.device);
  else if (intent.do === "detach") attached.delete(intent.device);
}
