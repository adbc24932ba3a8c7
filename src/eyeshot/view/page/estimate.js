// Effective fields by path density, computed between frames where they take long, and remembered.

import { densitySteps } from "./density.js";
import { boxesHolding } from "./box.js";

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./view.js").Use} Use */

/** Milliseconds of work at a time: at once when asked, then between frames. */
const FIRST = 8;
const SLICE = 7;
const MOST = 64;

/**
 * Do steps until they end, giving the page its frames in between; the returned function stops them.
 * @template T @param {Generator<void, T>} steps @param {(value: T) => void} done @param {number} first
 * @returns {() => void}
 */
export function patiently(steps, done, first) {
  let timer = 0;
  /** @param {number} budget */
  const work = (budget) => {
    const end = performance.now() + budget;
    do {
      const step = steps.next();
      if (step.done) {
        done(step.value);
        return;
      }
    } while (performance.now() < end);
    timer = setTimeout(work, 0, SLICE);
  };
  work(first);
  return () => clearTimeout(timer);
}

/**
 * Path densities of units, one worked on at a time.
 * @param {() => void} changed called when one that was waited for is there
 * @returns {(design: Design, key: string, at: number, unit: number[]) => Use}
 */
export function estimator(changed) {
  /** @type {Map<string, Use>} */
  const known = new Map();
  let stop = () => {};
  let running = "";
  return (design, key, at, unit) => {
    const name = `${key} ${at} ${unit}`;
    const use = known.get(name);
    if (use) return use;
    if (running === name) return PENDING;
    stop();
    running = name;
    let isWaiting = false;
    stop = patiently(
      densitySteps(design, at, unit),
      ({ mass, reason }) => {
        if (known.size >= MOST) known.delete(/** @type {string} */ (known.keys().next().value));
        const [half, most] = mass ? boxesHolding(mass, [0.5, 0.95]) : [null, null];
        known.set(name, {
          mass,
          reason,
          half,
          most,
          gates: false,
          isMeasured: false,
          source: "estimate: path density, as under random weights",
        });
        running = "";
        if (isWaiting) changed();
      },
      FIRST,
    );
    isWaiting = true;
    return known.get(name) ?? PENDING;
  };
}

/** @type {Use} */
const PENDING = {
  mass: null,
  reason: "",
  half: null,
  most: null,
  gates: false,
  isMeasured: false,
  source: "",
  isPending: true,
};
