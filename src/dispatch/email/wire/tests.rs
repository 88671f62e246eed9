//! What happens on the wire before the encrypted session.

use super::*;

/// Answers EHLO and STARTTLS with `replies`, whatever is asked.
async fn upgrade(replies: [&[u8]; 3]) -> io::Result<()> {
    let (ours, mut relay) = tokio::io::duplex(4096);
    let mut wire: Box<dyn Wire> = Box::new(ours);
    let client = async {
        plain_hello(&mut wire, "dunlin.example.com").await?;
        starttls(&mut wire).await
    };
    let server = async {
        let mut asked = [0; 256];
        for reply in replies {
            relay.write_all(reply).await?;
            if relay.read(&mut asked).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    tokio::select! { result = client => result, _ = server => unreachable!("the client ends first") }
}

const OFFER: &[u8] = b"250-relay\r\n250-SIZE 1000\r\n250 STARTTLS\r\n";

#[tokio::test]
async fn a_relay_that_offers_starttls_is_brought_up_to_the_handshake() {
    upgrade([b"220-hello\r\n220 relay\r\n", OFFER, b"220 go\r\n"]).await.unwrap();
}

#[tokio::test]
async fn plaintext_behind_a_reply_is_never_taken_into_the_encrypted_session() {
    for replies in [
        [b"220 relay\r\n".as_slice(), OFFER, b"220 go\r\n250 injected\r\n"],
        [b"220 relay\r\n", OFFER, b"220 go\r\n2"],
        [b"220 relay\r\n250 STARTTLS\r\n", OFFER, b"220 go\r\n"],
    ] {
        let error = upgrade(replies).await.unwrap_err();
        assert!(error.to_string().contains("more than one reply"), "{error}");
    }
}

#[tokio::test]
async fn a_relay_that_refuses_or_talks_nonsense_before_tls_is_left() {
    let endless = vec![b'x'; 2 * MAX_PLAIN_REPLY];
    for replies in [
        [b"554 no\r\n".as_slice(), OFFER, b"220 go\r\n"],
        [b"220 relay\r\n", b"250 relay\r\n", b"220 go\r\n"],
        [b"220 relay\r\n", OFFER, b"454 not now\r\n"],
        [b"220 relay\r\n", OFFER, b"go\r\n"],
        [&endless, OFFER, b"220 go\r\n"],
    ] {
        assert!(upgrade(replies).await.is_err());
    }
}

#[test]
fn plaintext_is_for_this_machine() {
    for (peer, wanted) in [
        ("127.0.0.1", true),
        ("127.8.8.8", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("192.0.2.1", false),
        ("0.0.0.0", false),
        ("::ffff:192.0.2.1", false),
        ("fe80::1", false),
    ] {
        assert_eq!(is_this_machine(peer.parse().unwrap()), wanted, "{peer}");
    }
}
