/** The driver that a program is in one run. What the program does not offer is done without it, or refused. */
import { ImplementationError } from "../../iommu/interface.js";
import type { Message } from "../../protocol/conversation.js";
import type { HelloAnswer } from "../../protocol/messages.js";
import type { Driver, DriverDevice, DriverMapping, DriverSetup, Routine } from "../interface.js";
import { offers } from "./offer.js";
import type { DriverProgram } from "./program.js";

/** Kept while an intent is under way in a program that carries out one after the other. */
const ONE_INTENT = "(one intent after the other)";

export class ExternalDriver implements Driver {
  readonly name: string;

  /** @throws ImplementationError when the program does not offer what the run needs */
  constructor(
    private readonly program: DriverProgram,
    private readonly hello: HelloAnswer,
    setup: DriverSetup,
  ) {
    this.name = hello.name;
    const { architectures, profiles, invalidation, flushing, starts } = hello;
    this.require([architectures, setup.profile.architecture], [profiles, setup.profile.id]);
    this.require([invalidation, setup.invalidation], [flushing, setup.flushing], [starts, setup.start]);
  }

  start(): Routine {
    return this.intent({ do: "start" });
  }

  attach(device: DriverDevice, domain: string, ticket: number): Routine {
    if (this.hello.aliases === false && device.requesters.length > 1)
      throw this.refusal("devices with several requester ids");
    return this.intent({ do: "attach", device, domain, ticket });
  }

  detach(device: DriverDevice, ticket: number): Routine {
    return this.intent({ do: "detach", device, ticket });
  }

  map(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.intent({ do: "map", domain, mapping, ticket });
  }

  protect(domain: string, mapping: DriverMapping, ticket: number): Routine {
    this.require([this.hello.intents, "protect"]);
    return this.intent({ do: "protect", domain, mapping, ticket });
  }

  unmap(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.intent({ do: "unmap", domain, mapping, ticket });
  }

  /** Nobody can tell larger entries from smaller ones: a program that does not merge leaves everything as it is. */
  *merge(domain: string, mapping: DriverMapping, ticket: number): Routine {
    if (offers(this.hello.intents, "merge")) yield* this.intent({ do: "merge", domain, mapping, ticket });
    else yield { do: "settled", ticket };
  }

  sync(): Routine {
    return this.intent({ do: "sync" });
  }

  destroy(domain: string, ticket: number): Routine {
    this.require([this.hello.intents, "destroy"]);
    return this.intent({ do: "destroy", domain, ticket });
  }

  private *intent(message: Message & Readonly<Record<string, unknown>>): Routine {
    const { program, hello } = this;
    if (!hello.concurrent) yield { do: "lock", lock: ONE_INTENT };
    const id = program.begin(message);
    for (let access = program.next(id); access; access = program.next(id)) program.answer(id, yield access);
    if (!hello.concurrent) yield { do: "unlock", lock: ONE_INTENT };
  }

  private require(
    ...needs: readonly (readonly [offered: readonly string[] | undefined, needed: string])[]
  ): void {
    for (const [offered, needed] of needs) if (!offers(offered, needed)) throw this.refusal(`"${needed}"`);
  }

  private refusal(what: string): ImplementationError {
    const { name, version } = this.hello;
    return new ImplementationError(
      `the scenario needs ${what}, which ${name} ${version} does not offer in its hello`,
    );
  }
}
