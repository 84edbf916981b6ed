/** A built-in driver as something to be searched: states that say the same are one, names are used in order. */
import type { DriverFactory } from "../../../implementations/driver/interface.js";
import { type Key, keyOf } from "../key.js";
import { type Moment, Web } from "../memento.js";
import type { End, Explored } from "../search.js";
import { alphabetOf, type DriverConfiguration, type NamedStep, namesInOrder } from "./configuration.js";
import { driverState } from "./fingerprint.js";
import { DriverStepper } from "./run.js";

/** Steps that are taken to see what of the web changes. */
const TRIAL_STEPS = 100;

export class ExploredDriver implements Explored {
  readonly alphabet: readonly NamedStep[];
  readonly stepper: DriverStepper;
  private readonly web: Web;
  /** Something was seen to change since {@link learn} was asked. */
  private learned = false;

  constructor(configuration: DriverConfiguration, create: DriverFactory) {
    this.alphabet = namesInOrder(alphabetOf(configuration), configuration);
    this.stepper = new DriverStepper(configuration, create);
    const { drive, model, unit } = this.stepper;
    const constants = new Set<object>([
      drive.setup,
      drive.setup.profile,
      unit,
      model.oracle.unit,
      model.oracle.coverage,
    ]);
    this.web = new Web([this.stepper], (value) => constants.has(value) || Object.isFrozen(value));
    if (!this.stepper.atStart) this.tryOut();
  }

  private tryOut(): void {
    let turn = 0;
    for (let count = 0; count < TRIAL_STEPS; count++) {
      const enabled = this.steps();
      turn = (Math.imul(turn, 1103515245) + 12345) & 0x7fffffff;
      if (this.take(enabled[(turn >>> 8) % enabled.length]!)) {
        this.web.learn();
        this.web.goToStart();
      }
      if (count % 4 === 0) this.web.learn();
    }
  }

  get atStart(): End | null {
    return this.stepper.atStart;
  }

  restart(): void {
    this.web.goToStart();
  }

  learn(): boolean {
    const learned = this.web.learn() || this.learned;
    this.learned = false;
    return learned;
  }

  moment(): Moment {
    return this.web.moment();
  }

  goBack(moment: Moment): void {
    this.web.goBack(moment);
  }

  steps(): readonly number[] {
    const enabled: number[] = [];
    this.alphabet.forEach((step, index) => {
      if (this.stepper.isEnabled(step)) enabled.push(index);
    });
    return enabled;
  }

  take(step: number): End | null {
    const end = this.stepper.take(this.alphabet[step]!);
    // What is put off until later is there after some steps only.
    if (this.web.learn()) this.learned = true;
    return end;
  }

  key(): Key {
    const { drive, judge, model, tickets } = this.stepper;
    return keyOf(driverState(drive, judge, model, tickets));
  }
}
