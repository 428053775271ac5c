// The list of calls on the page of ladders. It knows no engine.

import { count, moment } from "./figures.js";
import { outcomeOf, titleOf } from "./ladder-rows.js";
import { tree } from "./tree.js";

/**
 * A call as the exchange lists it.
 * @typedef {object} Call
 * @property {string} id
 * @property {string} began_at RFC 3339
 * @property {string | null} from
 * @property {string | null} from_name
 * @property {boolean} from_verified
 * @property {"received" | "made"} way
 * @property {string | null} to
 * @property {string | null} ladder_url where a call that was made is shown, for 10 minutes
 * @property {string} outcome
 * @property {number | null} status
 * @property {number | null} messages nothing where another mailbox keeps them
 */

/**
 * @param {Call[]} calls newest first
 * @param {(id: string) => void} choose
 * @returns {HTMLElement[]} items
 */
export function callItems(calls, choose) {
  const now = Date.now();
  return calls.map((call) => {
    const figures = call.messages === null ? "" : `, ${count(call.messages, "message")}`;
    const when = moment(Date.parse(call.began_at), now);
    const go = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      choose(call.id);
    };
    return tree(
      "li",
      {},
      tree(
        "a",
        { class: "call", href: `/ladder?call=${encodeURIComponent(call.id)}`, click: go },
        tree("span", { class: "who" }, titleOf(call)),
        tree("span", { class: "small muted figures when" }, when),
        tree("span", { class: "small muted" }, `${outcomeOf(call)}${figures}`),
      ),
    );
  });
}
