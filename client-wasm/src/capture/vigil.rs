//! Watches over a recording from the page: the microphone's tracks, the audio context, and whether sound keeps pace
//! with time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use js_sys::Date;
use web_sys::{AudioContext, AudioContextState, MediaStream, MediaStreamTrack};

use super::event::Interruption;
use super::pulse::Pulse;
use super::recorder::tracks;
use crate::timer::Timer;

/// A microphone that is muted for longer than this was taken away.
const MUTED_MS: u32 = 1_500;
/// A context that sleeps for longer than this stays asleep.
const WAKING_MS: u32 = 2_000;
/// How often it is looked whether sound still comes.
const LOOK_MS: u32 = 1_000;
/// A context that was woken sooner has lost nothing that anybody hears.
const UNHEARD_MS: f64 = 20.0;

/// What the watch has seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sign {
    /// The recording cannot go on.
    Interrupted(Interruption),
    /// So many ms went by without sound, which the samples' own clock does not know.
    Lost(f64),
}

/// The watch over one recording, until dropped.
pub(super) struct Vigil {
    watch: Rc<Watch>,
    _listeners: Vec<EventListener>,
    _looks: Interval,
}

struct Watch {
    pulse: Cell<Pulse>,
    muted: Timer,
    waking: Timer,
    asleep_since: Cell<Option<f64>>,
    on_sign: RefCell<Option<Listener>>,
}

type Listener = Box<dyn Fn(Sign)>;

impl Vigil {
    /// Watches until the first interruption.
    pub(super) fn keep(
        stream: &MediaStream,
        context: Option<&AudioContext>,
        on_sign: impl Fn(Sign) + 'static,
    ) -> Self {
        let watch = Rc::new(Watch {
            pulse: Cell::default(),
            muted: Timer::default(),
            waking: Timer::default(),
            asleep_since: Cell::new(None),
            on_sign: RefCell::new(Some(Box::new(on_sign))),
        });
        let mut listeners: Vec<EventListener> = tracks(stream)
            .flat_map(|track| watch_track(&watch, &track))
            .collect();
        listeners.extend(context.map(|context| watch_context(&watch, context)));
        let looking = Rc::downgrade(&watch);
        let looks = Interval::new(LOOK_MS, move || {
            if let Some(watch) = looking.upgrade() {
                watch.pulse(|pulse| pulse.look(Date::now()));
            }
        });
        Self {
            watch,
            _listeners: listeners,
            _looks: looks,
        }
    }

    /// Sound is here up to this length.
    pub(super) fn beat(&self, elapsed_ms: u64) {
        self.watch
            .pulse(|pulse| pulse.beat(Date::now(), elapsed_ms));
    }

    /// A pause begins or ends.
    pub(super) fn rest(&self) {
        self.watch.pulse.set(Pulse::default());
    }
}

impl Watch {
    fn pulse(&self, act: impl FnOnce(&mut Pulse) -> Option<Interruption>) {
        let mut pulse = self.pulse.get();
        let seen = act(&mut pulse);
        self.pulse.set(pulse);
        if let Some(cause) = seen {
            self.interrupt(cause);
        }
    }

    fn interrupt(&self, cause: Interruption) {
        // Told once: what follows is the end of the recording.
        if let Some(on_sign) = self.on_sign.take() {
            on_sign(Sign::Interrupted(cause));
        }
    }

    /// The context sleeps, or is awake again. Whoever made it wakes it.
    fn context_changed(self: &Rc<Self>, context: &AudioContext) {
        if context.state() == AudioContextState::Running {
            self.waking.clear();
            let now = Date::now();
            let lost = self.asleep_since.take().map_or(0.0, |since| now - since);
            if lost > UNHEARD_MS
                && let Some(on_sign) = self.on_sign.borrow().as_ref()
            {
                self.pulse.set(Pulse::default());
                on_sign(Sign::Lost(lost));
            }
        } else if self.asleep_since.get().is_none() {
            self.asleep_since.set(Some(Date::now()));
            let watch = Rc::downgrade(self);
            self.waking.after(WAKING_MS, move || {
                if let Some(watch) = watch.upgrade() {
                    watch.interrupt(Interruption::Stalled);
                }
            });
        }
    }
}

fn watch_track(watch: &Rc<Watch>, track: &MediaStreamTrack) -> [EventListener; 3] {
    let on = |name: &'static str, act: fn(&Rc<Watch>, &MediaStreamTrack)| {
        // `track.clone()` would be the browser's: one more open track.
        let (watch, heard) = (Rc::downgrade(watch), Clone::clone(track));
        EventListener::new(track, name, move |_| {
            if let Some(watch) = watch.upgrade() {
                act(&watch, &heard);
            }
        })
    };
    [
        on("ended", |watch, _| watch.interrupt(Interruption::Unplugged)),
        on("mute", |watch, track| {
            let (watch, track) = (Rc::clone(watch), Clone::clone(track));
            let muted = Rc::downgrade(&watch);
            watch.muted.after(MUTED_MS, move || {
                if let Some(watch) = muted.upgrade().filter(|_| track.muted()) {
                    watch.interrupt(Interruption::Taken);
                }
            });
        }),
        on("unmute", |watch, _| watch.muted.clear()),
    ]
}

fn watch_context(watch: &Rc<Watch>, context: &AudioContext) -> EventListener {
    let (watch, changed) = (Rc::downgrade(watch), context.clone());
    EventListener::new(context, "statechange", move |_| {
        if let Some(watch) = watch.upgrade() {
            watch.context_changed(&changed);
        }
    })
}
