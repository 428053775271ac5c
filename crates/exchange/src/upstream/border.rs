//! What changes in a message on its way to the proxy and back. To the proxy we are one user agent (RFC 3261 8.1):
//! our Contact carries the flow token that stands in Record-Route everywhere else, so that requests inside a dialog
//! find their way back over this connection whatever the proxy makes of routes. Nothing is remembered. Numbers
//! and proofs are the matter of `sequence` and `proof`.

use sip::{NameAddr, Request, Response, Uri, Via};

use super::place;
use crate::{
    context::Context,
    flow::{
        hop,
        place::{Place, Purpose, open, seal},
    },
};

/// Parameter of our Contact: the contact that it stands for.
const STANDS_FOR: &str = "of";
/// Parameter of the Via that is put on requests inside a dialog: the dialog's token, for the Contact of the answer.
const DIALOG: &str = "dialog";

/// The border between us and one proxy.
#[derive(Clone, Debug)]
pub(super) struct Border {
    /// What stands for our host, which nobody can reach but over the connection (RFC 7118 section 5).
    pub(super) host: String,
}

impl Border {
    /// A request of ours as the proxy gets it, but for its number.
    pub(super) fn request_out(&self, context: &Context<'_>, mut request: Request) -> Request {
        let sender = request
            .top_via()
            .and_then(|via| hop::place_of(context, &via));
        if let Some(mut via) = request.pop_via() {
            via.host.clone_from(&self.host);
            via.port = None;
            request.push_via(&via);
        }
        let Some(sender) = sender else {
            return request;
        };
        let token = seal(context.settings, Purpose::Route, &[sender, place()]);
        for contact in self.contacts(&request.contacts(), &token) {
            request.set_header("Contact", &contact);
        }
        request
    }

    /// A response of ours as the proxy gets it.
    pub(super) fn response_out(&self, context: &Context<'_>, mut response: Response) -> Response {
        let marked = response
            .top_via()
            .and_then(|via| via.params.get(DIALOG).map(str::to_owned));
        if marked.is_some() {
            response.pop_via();
        }
        let token = marked.or_else(|| take_own_route(context, &mut response));
        let contacts = response.contacts();
        for contact in token.map_or_else(Vec::new, |token| self.contacts(&contacts, &token)) {
            response.set_header("Contact", &contact);
        }
        response
    }

    /// The one contact of a dialog under our own name; a redirection names others, and keeps them.
    fn contacts(&self, contacts: &[NameAddr], token: &str) -> Vec<String> {
        let [contact] = contacts else {
            return Vec::new();
        };
        let uri = Uri::sip(token, &self.host)
            .with_param("transport", "ws")
            .with_param(STANDS_FOR, &contact.uri.to_string());
        vec![NameAddr::new(uri).to_string()]
    }

    /// A request of the proxy inside a dialog, with the route that our own people's requests have; nothing if its
    /// Request-URI is no contact of ours. A contact opens its dialog only: whoever once had one reaches nobody by it
    /// later.
    pub(super) fn request_in(
        &self,
        context: &Context<'_>,
        mut request: Request,
    ) -> Option<Request> {
        request.to().tag()?;
        let token = request.uri().decoded_user()?;
        open(context.settings, Purpose::Route, &token)?;
        let own = request.uri().param(STANDS_FOR);
        if let Some(own) = own.and_then(|own| own.parse::<Uri>().ok()) {
            request.set_uri(own);
        }
        let via = Via::new("WSS", &self.host, &hop::branch(context)).with_param(DIALOG, &token);
        request.push_via(&via);
        request.push_route(&hop::route(context, &token));
        Some(request)
    }

    /// A response of the proxy to a request that came from `sender` here, who gets our Record-Route behind those of
    /// the proxy: it is the hop next to it.
    pub(super) fn response_in(
        &self,
        context: &Context<'_>,
        sender: &Place,
        mut response: Response,
    ) -> Response {
        // Nobody outside says who answers for us.
        response.remove_header(hop::ASSERTED);
        let makes_dialog = (101..300).contains(&response.status());
        if makes_dialog && matches!(sender, Place::Flow(_)) && response.to().tag().is_some() {
            let route = hop::record_route(context, sender, &place());
            response.add_header("Record-Route", &route.to_string());
        }
        response
    }
}

/// Takes our own Record-Route out of an answer, and gives its token.
fn take_own_route(context: &Context<'_>, response: &mut Response) -> Option<String> {
    let (own, others): (Vec<NameAddr>, Vec<NameAddr>) = response
        .record_routes()
        .into_iter()
        .partition(|route| hop::ends(context, route).is_some());
    response.remove_header("Record-Route");
    for route in others {
        response.add_header("Record-Route", &route.to_string());
    }
    own.first().and_then(|route| route.uri.decoded_user())
}
