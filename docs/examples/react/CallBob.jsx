import { useState } from "react";

export function CallBob({ visitor }) {
  const [state, setState] = useState("idle");
  const [thanks, setThanks] = useState("");
  return (
    <main>
      <h1>Bob’s bakery</h1>
      <afterbeep-call
        to="sip:bob@edge.example.com"
        server="https://edge.example.com"
        from={visitor}
        open-on="greeting"
        onafterbeep-state={({ detail }) => setState(detail.state)}
        onafterbeep-deposited={() => setThanks("Thank you, we call you back.")}
      />
      <output id="state">{state}</output>
      <output id="thanks">{thanks}</output>
    </main>
  );
}
