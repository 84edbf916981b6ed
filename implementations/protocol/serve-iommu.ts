/** An IOMMU on the program's side of the protocol: every message is carried out on it as it comes. */
import type { Profile } from "../../model/profile.js";
import { type Action, Effect, type Observation } from "../../model/trace.js";
import { ImplementationError, type Iommu } from "../iommu/interface.js";
import { type IommuRequest, iommuRequestCodecs } from "./messages.js";
import { type Answer, decodedMessage, helloAnswered, type Identity, type Service } from "./serve-message.js";
import { profileSent } from "./serve-profile.js";

/** What is answered to requests that took effect in no page of memory, by what was observed. */
const EFFECTS = new Map<number, string>(Object.entries(Effect).map(([name, value]) => [value, name]));

export class IommuService implements Service {
  /** @param identity beside the requests that its devices can issue */
  constructor(
    private readonly iommu: Iommu,
    private readonly identity: Identity,
  ) {}

  answer(message: unknown): Answer {
    const { iommu, identity } = this;
    const hello = helloAnswered(message, "iommu", { ...identity, requests: [...iommu.requestTypes] });
    if (hello) return hello;
    const request = decodedMessage(iommuRequestCodecs, message) as IommuRequest;
    const { id } = request;
    try {
      return { id, ...this.carriedOut(request) };
    } catch (error) {
      if (!(error instanceof ImplementationError)) throw error;
      return { id, error: error.message };
    }
  }

  private carriedOut(request: IommuRequest): object {
    const { iommu } = this;
    switch (request.do) {
      case "reset":
        iommu.reset({ ...request.setup, profile: profileSent(request.setup.profile as Profile) });
        return {};
      case "read-data":
        return { values: request.pages.map((page) => iommu.readData(page, request.offset)) };
      default: {
        const action = actionOf(request);
        return shown(action, iommu.execute([action])[0]!);
      }
    }
  }
}

function actionOf(request: Exclude<IommuRequest, { do: "reset" | "read-data" }>): Action {
  if (request.do !== "request") return request;
  const { requester, page, offset, length, type, slot } = request;
  return { do: "request", request: { requester, page, offset, length, type }, slot };
}

function shown(action: Action, { low, high }: Observation): object {
  switch (action.do) {
    case "read-register":
    case "read-memory":
      return { low, high };
    case "poll-register":
    case "poll-memory":
      return { seen: low === 1 };
    case "request":
      return low < 0 ? { effect: EFFECTS.get(low)! } : { page: low };
    default:
      return {};
  }
}
