//! Globally routable names of one instance (RFC 5627): the address with the instance in `gr`. Nothing is stored for
//! them, and they stay valid over all registrations of the instance. Temporary ones are not given.

use sip::{NameAddr, Request, Uri};

use super::binding::Binding;

/// The contact of a REGISTER answer with the public GRUU of its instance, where the client can use one.
pub(super) fn named(
    contact: NameAddr,
    address: &str,
    binding: &Binding,
    request: &Request,
) -> NameAddr {
    let public = binding
        .instance_id()
        .filter(|_| is_wanted(request))
        .and_then(|instance| public(address, instance));
    match public {
        Some(gruu) => contact.with_param("pub-gruu", &gruu.to_string()),
        None => contact,
    }
}

/// The instance that a URI names, as it registers (`<urn:...>`); nothing for an address.
pub(super) fn instance(uri: &Uri) -> Option<String> {
    let name = uri.param("gr").filter(|name| !name.is_empty())?;
    Some(format!("<{name}>"))
}

fn public(address: &str, instance: &str) -> Option<Uri> {
    let name = instance.strip_prefix('<')?.strip_suffix('>')?;
    let address: Uri = address.parse().ok()?;
    Some(address.with_param("gr", name))
}

fn is_wanted(request: &Request) -> bool {
    crate::flow::supports(request, "gruu")
}

#[cfg(test)]
mod tests {
    use super::{instance, public};

    #[test]
    fn a_gruu_names_the_instance_that_it_was_made_of() {
        let own = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>";
        let gruu = public("sip:bob@localhost", own).expect("a GRUU");
        assert_eq!(
            gruu.to_string(),
            "sip:bob@localhost;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        );
        assert_eq!(instance(&gruu).as_deref(), Some(own));
        for none in ["sip:bob@localhost", "sip:bob@localhost;gr"] {
            assert_eq!(instance(&none.parse().expect("a URI")), None, "{none}");
        }
    }
}
