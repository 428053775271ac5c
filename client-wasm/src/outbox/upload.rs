//! One attempt to bring one part of a deposit up, by tus 1.0.0: a small one in a single request first, otherwise
//! in pieces that continue where the server stands.

use super::refusal::Refusal;
use super::shipment::Parcel;
use super::uplink::Uplink;
use crate::clock;
use crate::http::{Answer, Request};
use crate::problem::Problem;
use crate::server::Server;
use crate::storage::{Database, DepositRow, SessionRow};

/// Up to this length a part goes up in one request.
const SINGLE_REQUEST: u64 = 1024 * 1024;
/// The server takes no longer piece from us (design section 3).
const LONGEST_PIECE: u64 = 8 * 1024 * 1024;
const SHORTEST_PIECE: u64 = 4 * 1024;
/// After a failure, before anything was measured.
const FIRST_PIECE: u64 = 16 * 1024;
/// A piece is made to take about this long.
const PIECE_SECONDS: u64 = 4;
/// What takes longer than this in one request goes up in pieces.
const WHOLE_SECONDS: u64 = 20;
/// Slower than this (bytes per second) is a failure; so is a quarter of what was measured.
const SLOWEST: u64 = 400;

/// What one attempt works with.
pub(super) struct Upload<'a> {
    pub(super) server: &'a Server,
    pub(super) database: &'a Database,
    pub(super) row: &'a DepositRow,
    pub(super) session: &'a SessionRow,
    pub(super) deposit_id: &'a str,
    pub(super) parcel: &'a Parcel,
    /// Whether its last answer has to bring the receipt.
    pub(super) is_last: bool,
    pub(super) progress: &'a dyn Fn(u64),
}

/// Where an upload stands at the server.
struct Standing {
    url: String,
    offset: u64,
    receipt: Option<String>,
}

impl Upload<'_> {
    /// Brings it up and returns the receipt, if the whole deposit has one by then.
    pub(super) async fn run(&self, uplink: &mut Uplink<'_>) -> Result<Option<String>, Refusal> {
        if self.fits_one_request(uplink) {
            return self.whole(uplink).await;
        }
        let standing = match self.known_url() {
            Some(url) => self.stand(url).await?,
            None => self.create().await?,
        };
        self.continue_from(standing, uplink).await
    }

    /// Nothing was tried yet, and it is small for this network.
    fn fits_one_request(&self, uplink: &Uplink<'_>) -> bool {
        let untried = self.known_url().is_none() && self.row.failures == 0;
        let rate = uplink.bytes_per_second().unwrap_or(0);
        let quick = self.length() <= rate.saturating_mul(WHOLE_SECONDS);
        untried && quick && self.length() <= SINGLE_REQUEST
    }

    /// Where the upload of this part was made before.
    fn known_url(&self) -> Option<&String> {
        let Some(id) = self.parcel.file() else {
            return self.row.upload_url.as_ref();
        };
        let part = self.row.parts.iter().find(|part| part.id == id)?;
        part.upload_url.as_ref()
    }

    /// One request with everything in it (creation-with-upload).
    async fn whole(&self, uplink: &mut Uplink<'_>) -> Result<Option<String>, Refusal> {
        let bytes = self.parcel.piece(self.database, 0, self.length()).await?;
        let began = clock::now_ms();
        let sent = self
            .creation()
            .header("content-type", "application/offset+octet-stream")
            .bytes(&bytes)
            .timeout(patience(self.length(), uplink))
            .send()
            .await;
        let answer = self.measured(sent, began, self.length(), uplink).await?;
        let standing = self.created(&answer).await?;
        self.continue_from(standing, uplink).await
    }

    /// Makes the upload, or finds the one made before: the same deposit always gets the same place.
    async fn create(&self) -> Result<Standing, Refusal> {
        let answer = self.creation().send().await?;
        self.created(&answer).await
    }

    fn creation(&self) -> Request {
        let fallback = self.server.url("/deposits");
        let url = self.session.upload_url.as_deref().unwrap_or(&fallback);
        self.request("POST", url)
            .header("upload-length", &self.length().to_string())
            .header("upload-metadata", &self.parcel.metadata(self.deposit_id))
    }

    async fn created(&self, answer: &Answer) -> Result<Standing, Refusal> {
        if !answer.is_success() {
            return Err(match Refusal::of(answer).await {
                // There is nothing to begin again: the place for all deposits itself is not there.
                Refusal::Gone(problem) if answer.status() == 404 => Refusal::Final(problem),
                refusal => refusal,
            });
        }
        answer.finish().await;
        let base = self.server.url("/deposits");
        let location = answer.header("location").unwrap_or_default();
        let url = self.server.resolve(&location, &base)?;
        let standing = Standing {
            url,
            offset: answer.number("upload-offset").unwrap_or(0),
            receipt: answer.header("afterbeep-receipt"),
        };
        self.remember(&standing).await?;
        Ok(standing)
    }

    /// Asks where the upload stands.
    async fn stand(&self, url: &str) -> Result<Standing, Refusal> {
        let url = self.server.own(url)?;
        let answer = self.request("HEAD", &url).send().await?;
        match answer.status() {
            200..=299 => {}
            404 | 410 | 500.. => return Err(Refusal::of(&answer).await),
            // A refused HEAD has no body that says why; the same deposit's creation has.
            _ => return self.create().await,
        }
        Ok(Standing {
            url,
            offset: answer.number("upload-offset").unwrap_or(0),
            receipt: answer.header("afterbeep-receipt"),
        })
    }

    /// Sends piece after piece; the last answer of the last part brings the receipt.
    async fn continue_from(
        &self,
        mut standing: Standing,
        uplink: &mut Uplink<'_>,
    ) -> Result<Option<String>, Refusal> {
        loop {
            (self.progress)(standing.offset);
            let at_end = standing.offset >= self.length();
            if standing.receipt.is_some() || (at_end && !self.is_last) {
                return Ok(standing.receipt);
            }
            standing = self.patch(standing, uplink).await?;
            if at_end {
                return Ok(standing.receipt);
            }
        }
    }

    /// One piece; at the end of the bytes an empty one, which asks for the receipt again.
    async fn patch(
        &self,
        standing: Standing,
        uplink: &mut Uplink<'_>,
    ) -> Result<Standing, Refusal> {
        let most = piece_length(uplink);
        let piece = self
            .parcel
            .piece(self.database, standing.offset, most)
            .await?;
        let length = piece.len() as u64;
        let began = clock::now_ms();
        let sent = self
            .request("PATCH", &standing.url)
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", &standing.offset.to_string())
            .bytes(&piece)
            .timeout(patience(length, uplink))
            .send()
            .await;
        let answer = self.measured(sent, began, length, uplink).await?;
        if !answer.is_success() {
            return Err(Refusal::of(&answer).await);
        }
        answer.finish().await;
        let expected = standing.offset.saturating_add(length);
        let standing = Standing {
            url: standing.url,
            offset: answer.number("upload-offset").unwrap_or(expected),
            receipt: answer.header("afterbeep-receipt"),
        };
        self.remember(&standing).await?;
        Ok(standing)
    }

    /// Notes what an exchange says about the network. A refusal is an answer too: the bytes arrived.
    async fn measured(
        &self,
        sent: Result<Answer, Problem>,
        began: i64,
        bytes: u64,
        uplink: &mut Uplink<'_>,
    ) -> Result<Answer, Refusal> {
        match &sent {
            Ok(answer) if answer.is_success() && bytes > 0 => {
                uplink.record(began, Some(bytes)).await;
            }
            Ok(answer) if answer.status() >= 500 => uplink.record(began, None).await,
            Ok(_) => {}
            Err(_) => uplink.record(began, None).await,
        }
        Ok(sent?)
    }

    async fn remember(&self, standing: &Standing) -> Result<(), Refusal> {
        let (url, offset) = (standing.url.clone(), standing.offset);
        self.database
            .update_deposit(&self.row.deposit_id, |row| {
                row.failures = 0;
                let Some(id) = self.parcel.file() else {
                    row.upload_url = Some(url);
                    row.sent = offset;
                    return;
                };
                if let Some(part) = row.parts.iter_mut().find(|part| part.id == id) {
                    part.upload_url = Some(url);
                    part.sent = offset;
                }
            })
            .await?;
        Ok(())
    }

    fn request(&self, method: &str, url: &str) -> Request {
        Request::new(method, url)
            .bearer(&self.session.token)
            .header("tus-resumable", "1.0.0")
    }

    fn length(&self) -> u64 {
        self.parcel.size
    }
}

/// How many bytes the next piece may have.
fn piece_length(uplink: &Uplink<'_>) -> u64 {
    let length = match uplink.bytes_per_second() {
        Some(rate) => rate.saturating_mul(PIECE_SECONDS),
        None => FIRST_PIECE,
    };
    length.clamp(SHORTEST_PIECE, LONGEST_PIECE)
}

/// The time-out of an exchange with so many bytes in it.
fn patience(bytes: u64, uplink: &Uplink<'_>) -> u32 {
    let slowest = SLOWEST.max(uplink.bytes_per_second().unwrap_or(0) / 4);
    let transfer = bytes.saturating_mul(1000) / slowest;
    u32::try_from(transfer.saturating_add(u64::from(crate::http::SHORT_MS))).unwrap_or(u32::MAX)
}
