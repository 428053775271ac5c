// Where the operator says whose calls to show, and proves to be the operator. The token is kept nowhere.

import { tree } from "./tree.js";

/** One form, closed until it is wanted. */
export class OperatorForm {
  #address = tree("input", { name: "address", autocapitalize: "none", autocomplete: "off", spellcheck: "false", required: true, placeholder: "bob" });
  #token = tree("input", { name: "token", type: "password", autocomplete: "off", required: true });
  #enter = tree("button", { type: "submit" }, "Show calls");

  /** @param {(address: string, token: string) => Promise<void>} show */
  constructor(show) {
    const submit = async (event) => {
      event.preventDefault();
      this.#enter.disabled = true;
      await show(this.#address.value, this.#token.value);
      this.#enter.disabled = false;
    };
    this.element = tree(
      "details",
      { class: "operator" },
      tree("summary", {}, "For the operator"),
      tree("form", { submit }, tree("label", {}, "Whose calls", this.#address), tree("label", {}, "Admin token", this.#token), this.#enter),
    );
  }

  /** Forgets the token. */
  forget() {
    this.#token.value = "";
  }
}
