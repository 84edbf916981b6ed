/** A bug of the library as something that scenarios are run on and judged. */
import { defaultOptions } from "../../generators/generate.js";
import { defaultIntentOptions } from "../../generators/intents/generate.js";
import { defaultPlatformOptions } from "../../generators/platform/generate.js";
import type { Bug } from "../../implementations/bugs.js";
import { ReferenceIommu } from "../../implementations/iommu/reference/reference.js";
import { exposureSubject } from "../driver-subject.js";
import { platformSubject } from "../platform/subject.js";
import { type AnyScenario, iommuSubject, type Subject } from "../subject.js";

/** What has the bug, under the default options of the generators; software is judged by exposure. */
export function subjectOf(bug: Bug): Subject<AnyScenario> {
  const subject = subjectByRole(bug);
  return subject as Subject<AnyScenario>;
}

function subjectByRole(bug: Bug) {
  switch (bug.role) {
    case "iommu":
      return iommuSubject(new ReferenceIommu(bug.deviation), defaultOptions(bug.architecture));
    case "driver":
      return exposureSubject(bug, defaultIntentOptions(bug.architecture));
    case "platform":
      return platformSubject(bug, defaultPlatformOptions(bug.architecture));
  }
}
