/**
 * The driver of minimal.mjs with one mistake: `unmap` gives pages back before the invalidation is complete. Their next
 * owner has them while a device may still write to them through an old IOTLB entry.
 *
 *   npx iommu-spec check --driver examples/driver/broken.mjs
 */
import { LOCK, MinimalDriver, UNLOCK } from "./minimal.mjs";

class SettlesBeforeFlush extends MinimalDriver {
  *unmap(domain, mapping, ticket) {
    yield LOCK;
    yield* this.storeLeaves(domain, mapping, 0);
    yield { do: "settled", ticket };
    yield* this.flush();
    yield UNLOCK;
  }
}

export default (setup) => new SettlesBeforeFlush(setup);
