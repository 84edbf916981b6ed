/** A driver on the program's side of the protocol: its routines go on as the answers to their accesses come in. */
import type { Profile } from "../../model/profile.js";
import type { Answer as AccessAnswer, Driver, DriverFactory, Routine } from "../driver/interface.js";
import { accessAnswerCodec, type DriverRequest, driverRequestCodecs } from "./messages.js";
import {
  type Answer,
  checked,
  decodedMessage,
  helloAnswered,
  type Identity,
  InputError,
  kindOf,
  type Service,
} from "./serve-message.js";
import { profileSent } from "./serve-profile.js";

type Setup = Extract<DriverRequest, { do: "setup" }>;
type Intent = Exclude<DriverRequest, Setup>;

const ZERO: AccessAnswer = { low: 0, high: 0 };

export class DriverService implements Service {
  private driver: Driver | null = null;
  /** Routines that wait for the answer to an access, by the id of their intent. */
  private readonly underWay = new Map<number, Routine>();

  /** @param identity may say that intents must not be under way at once */
  constructor(
    private readonly create: DriverFactory,
    private readonly identity: Identity,
  ) {}

  answer(message: unknown): Answer {
    const hello = helloAnswered(message, "driver", { concurrent: true, ...this.identity });
    if (hello) return hello;
    if (kindOf(message) === undefined) return this.goOn(message);
    const request = decodedMessage(driverRequestCodecs, message) as DriverRequest;
    const { id } = request;
    try {
      if (request.do === "setup") return this.setUp(request);
      return this.resumed(id, this.routineOf(request), ZERO);
    } catch (error) {
      if (error instanceof InputError) throw error;
      return { id, error: String(error) };
    }
  }

  private setUp({ id, setup }: Setup): Answer {
    this.underWay.clear();
    this.driver = this.create({ ...setup, profile: profileSent(setup.profile as Profile) });
    return { id };
  }

  /** An answer to an access has come. */
  private goOn(message: unknown): Answer {
    const { id, low, high } = checked(accessAnswerCodec, message);
    const routine = this.underWay.get(id);
    if (!routine) throw new InputError(`no intent ${id} awaits an answer`);
    this.underWay.delete(id);
    try {
      return this.resumed(id, routine, { low, high });
    } catch (error) {
      return { id, error: String(error) };
    }
  }

  private resumed(id: number, routine: Routine, answer: AccessAnswer): Answer {
    const next = routine.next(answer);
    if (next.done) return { id, done: true };
    this.underWay.set(id, routine);
    return { id, ...next.value };
  }

  private routineOf(intent: Intent): Routine {
    const { driver } = this;
    if (!driver) throw new InputError(`"${intent.do}" came before "setup"`);
    switch (intent.do) {
      case "start":
      case "sync":
        return driver[intent.do]();
      case "attach":
        return driver.attach(intent.device, intent.domain, intent.ticket);
      case "detach":
        return driver.detach(intent.device, intent.ticket);
      case "destroy":
        return driver.destroy(intent.domain, intent.ticket);
      default:
        return driver[intent.do](intent.domain, intent.mapping, intent.ticket);
    }
  }
}
