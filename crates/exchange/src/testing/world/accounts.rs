//! People of a world: their accounts, sign-ins and numbers, over the API.

use super::World;
use crate::{
    front::{self, Forward, Route},
    http::{Body, Request, Response},
    line,
    object::Object,
};

impl World {
    pub(super) fn make_account(&mut self, name: &str) {
        let path = format!("/admin/users/sip%3A{name}%40localhost");
        let body = format!(r#"{{"password":"{name}-demo","display_name":"{name}"}}"#);
        let response = self.http(name, &request("PUT", &path, &body));
        assert!(response.status < 300, "{response:?}");
    }

    /// The login token of a user.
    pub(crate) fn token(&mut self, name: &str) -> String {
        let body = format!(r#"{{"address":"sip:{name}@localhost","password":"{name}-demo"}}"#);
        let response = self.http(name, &request("POST", "/login", &body));
        json(&response)["token"].as_str().expect("token").to_owned()
    }

    fn http(&mut self, name: &str, request: &Request) -> Response {
        self.ask_line(&Object::Line(format!("sip:{name}@localhost")), request)
    }

    /// A request of the operator on its way through the front; status and JSON of the answer.
    pub(crate) fn admin(&mut self, method: &str, path: &str) -> (u16, serde_json::Value) {
        let mut head = request(method, path, r#"{"password":"long enough"}"#);
        let token = ("authorization", "Bearer dev-admin-token");
        head.headers.push((token.0.to_owned(), token.1.to_owned()));
        let response = match front::route(&head, &self.settings, self.now_ms) {
            Route::Answer(response) => response,
            Route::Forward(forward) => self.pass_on(&head, *forward),
            other => panic!("{other:?}"),
        };
        (response.status, json(&response))
    }

    fn pass_on(&mut self, head: &Request, forward: Forward) -> Response {
        for question in &forward.questions {
            let reply = self.signal(&question.object, question.signal.clone());
            if let Some(refusal) = front::refusal(head, question, Some(&reply)) {
                return refusal;
            }
        }
        let mut request = forward.request;
        request.body.clone_from(&head.body);
        self.ask_line(&forward.object, &request)
    }

    fn ask_line(&mut self, object: &Object, request: &Request) -> Response {
        let (response, effects) = self
            .edge
            .at(object, |sql, context| line::on_http(sql, context, request))
            .expect("storage");
        self.accept(object, effects);
        self.settle();
        response
    }
}

fn request(method: &str, path: &str, body: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_owned().into_bytes(),
        ..Request::default()
    }
}

fn json(response: &Response) -> serde_json::Value {
    match &response.body {
        Body::Bytes(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
        Body::Blob { .. } => panic!("{response:?}"),
    }
}
