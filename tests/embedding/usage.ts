// What an embedder writes in TypeScript; the test only checks that it has the right types.
import { AfterbeepCall, type AfterbeepCredentials, type AfterbeepState } from "afterbeep";

const call = document.createElement("afterbeep-call");
call.to = "sip:bob@example.com";
call.openOn = "info";
const credentials: AfterbeepCredentials = { address: "sip:anna@example.com", token: "l1.k.p.m" };
call.credentials = credentials;
call.addEventListener("afterbeep-deposited", ({ detail }) => detail.receipt.length);
call.addEventListener("afterbeep-state", ({ detail }) => {
  const state: AfterbeepState = detail.state;
  // @ts-expect-error a state is one of the words
  if (state === "asleep") call.hangUp();
});
document.querySelector("afterbeep-inbox")?.addEventListener("afterbeep-inbox", ({ detail }) => detail.new + detail.total);
document.querySelector("afterbeep-inbox")?.addEventListener("afterbeep-incoming", ({ detail }) => detail.name.length + Number(detail.verified));
AfterbeepCall.define("my-call");
// @ts-expect-error the recorder opens on one of three events
call.openOn = "whenever";
// @ts-expect-error credentials are never read back by way of an attribute
call.setAttribute("credentials", credentials);
