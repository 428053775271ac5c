//! What players leave out of a recording: silence at its ends. The journal keeps it.

use super::deposit::DepositRow;

impl DepositRow {
    /// Keeps silence at both ends, or leaves it out; only of a message in the user's hands.
    pub fn keep_silence(&mut self, keep: bool) {
        if !self.is_in_hand() {
            return;
        }
        let (start, end) = match keep {
            true => (0, 0),
            false => (self.silent_start_ms, self.silent_end_ms),
        };
        (self.trim_start_ms, self.trim_end_ms) = (start, end);
    }

    /// What players leave out at the beginning and the end of what is sent.
    pub fn sent_trim_ms(&self) -> (u64, u64) {
        let (start, end) = match self.cut {
            None => (self.trim_start_ms, self.trim_end_ms),
            Some(cut) => {
                let heard_to = self.duration_ms.saturating_sub(self.trim_end_ms);
                let to = cut.to_ms.min(self.duration_ms);
                (
                    self.trim_start_ms.saturating_sub(cut.from_ms),
                    to.saturating_sub(heard_to),
                )
            }
        };
        if start.saturating_add(end) < self.sent_duration_ms() {
            (start, end)
        } else {
            (0, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DepositRow;
    use crate::storage::{Cut, RowState};

    fn draft() -> DepositRow {
        let mut row = DepositRow {
            state: RowState::Recorded,
            duration_ms: 10_000,
            silent_start_ms: 2000,
            silent_end_ms: 1000,
            ..DepositRow::default()
        };
        row.keep_silence(false);
        row
    }

    fn cut(from_ms: u64, to_ms: u64) -> (u64, u64) {
        let cut = Some(Cut { from_ms, to_ms });
        DepositRow { cut, ..draft() }.sent_trim_ms()
    }

    #[test]
    fn silence_that_was_left_out_can_be_kept_and_left_out_again() {
        let mut row = draft();
        assert_eq!(row.sent_trim_ms(), (2000, 1000));
        row.keep_silence(true);
        assert_eq!(row.sent_trim_ms(), (0, 0));
        row.keep_silence(false);
        assert_eq!(row.sent_trim_ms(), (2000, 1000));
    }

    #[test]
    fn a_message_on_its_way_stays_as_it_was_sent() {
        let mut row = draft();
        row.state = RowState::Uploading;
        row.keep_silence(true);
        assert_eq!(row.sent_trim_ms(), (2000, 1000));
    }

    #[test]
    fn what_a_cut_took_away_is_not_left_out_once_more() {
        assert_eq!(cut(500, 9500), (1500, 500));
        assert_eq!(cut(3000, 8000), (0, 0));
        assert_eq!(
            cut(0, 1500),
            (0, 0),
            "nothing but silence is heard as it is"
        );
    }
}
