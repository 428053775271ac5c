//! Virtual time: it passes when a test says so, and everything that is due on the way happens in its order.

use super::{MAX_STEPS, World};
use crate::{flow::absence::Absence, line, mailbox, object::Object, upload};

impl World {
    /// Lets this much time pass; everything that is due on the way happens in its order.
    pub(crate) fn advance(&mut self, ms: i64) {
        let end = self.now_ms + ms;
        for _ in 0..MAX_STEPS {
            if self.edge.is_dead() {
                return;
            }
            let Some(due) = self.next_due().filter(|due| *due <= end) else {
                self.now_ms = end;
                return;
            };
            self.now_ms = self.now_ms.max(due);
            self.wake();
        }
        panic!("time does not pass");
    }

    fn next_due(&self) -> Option<i64> {
        let objects = self.edge.objects().into_iter();
        let objects = objects.filter_map(|object| self.edge.alarm(&object));
        let phones = self
            .phones
            .values()
            .filter_map(|phone| phone.agent.next_wakeup());
        let reminders = self.reminders.iter().map(|(due, ..)| *due);
        let absences = self.absences.values().map(Absence::until_ms);
        objects.chain(phones).chain(reminders).chain(absences).min()
    }

    /// Clients that were away too long are given up.
    fn give_up(&mut self) {
        let now_ms = self.now_ms;
        let absences = std::mem::take(&mut self.absences).into_iter();
        let (over, waiting): (Vec<_>, Vec<_>) =
            absences.partition(|(_, absence)| absence.until_ms() <= now_ms);
        self.absences = waiting.into_iter().collect();
        for (name, absence) in over {
            let object = Object::Flow(name);
            let effects = self
                .edge
                .at(&object, |_, context| Ok(absence.give_up(context)));
            self.accept(&object, effects.expect("effects"));
        }
    }

    fn wake(&mut self) {
        let now_ms = self.now_ms;
        let mut objects = self.edge.objects();
        objects.retain(|object| self.edge.alarm(object).is_some_and(|due| due <= now_ms));
        for object in objects {
            let woken = self.edge.at(&object, |sql, context| match &context.object {
                Object::Line(_) => line::on_wakeup(sql, context),
                Object::Mailbox(_) => mailbox::on_wakeup(sql, context),
                Object::Upload(_) => upload::on_wakeup(sql, context),
                _ => Ok(Vec::new()),
            });
            // What failed is still due: the alarm rings again.
            let effects = woken.unwrap_or_default();
            self.accept(&object, effects);
        }
        self.remind();
        self.give_up();
        for phone in self.phones.values_mut() {
            phone.agent.elapse(now_ms);
        }
        self.settle();
    }

    fn remind(&mut self) {
        let now_ms = self.now_ms;
        let reminders = std::mem::take(&mut self.reminders).into_iter();
        let (due, later): (Vec<_>, Vec<_>) = reminders.partition(|(due, ..)| *due <= now_ms);
        self.reminders = later;
        for (_, object, signal) in due {
            self.signal(&object, signal);
        }
    }
}
