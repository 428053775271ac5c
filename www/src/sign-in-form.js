// Where the owner of a mailbox signs in. It knows no engine.

import { tree, write } from "./tree.js";

/** One form. */
export class SignInForm {
  #address = tree("input", { name: "address", part: "input", autocapitalize: "none", autocomplete: "username", spellcheck: "false", required: true, placeholder: "bob" });
  #password = tree("input", { name: "password", part: "input", type: "password", autocomplete: "current-password", required: true });
  #enter = tree("button", { type: "submit", class: "primary", part: "button sign-in-button" }, "Sign in");
  #introduction;
  #signIn;

  /**
   * @param {(address: string, password: string) => Promise<void>} signIn
   * @param {string} [introduction] what somebody gets by signing in
   */
  constructor(signIn, introduction = "Messages people leave for you wait here, in the order they came.") {
    this.#signIn = signIn;
    this.#introduction = tree("p", { class: "muted" }, introduction);
    this.element = tree(
      "form",
      { class: "sign-in", part: "sign-in", hidden: true, submit: (event) => void this.#submit(event) },
      this.#introduction,
      tree("label", {}, "Address", this.#address),
      tree("label", {}, "Password", this.#password),
      this.#enter,
    );
  }

  /** Whether somebody is about to sign in. */
  get busy() {
    return this.#password.value !== "";
  }

  /** @param {string} words what somebody gets by signing in, from now on */
  introduce(words) {
    write(this.#introduction, words);
  }

  /** @param {string} address stands in the form until another one is typed */
  suggest(address) {
    this.#address.value ||= address;
  }

  /** Puts the cursor where the address is typed. */
  focus() {
    this.#address.focus();
  }

  /** Forgets the password. */
  forget() {
    this.#password.value = "";
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    this.#enter.disabled = true;
    await this.#signIn(this.#address.value, this.#password.value);
    this.#enter.disabled = false;
  }
}
