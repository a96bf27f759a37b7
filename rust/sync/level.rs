// SPDX-License-Identifier: GPL-2.0

//! Places in the order of locks.

use crate::context::{AtLeast, Context};

/// What someone holds: a context without locks, or the locks up to a place in the order.
pub trait Level {
    /// The context of code that holds it.
    type Context: Context;
}

/// The level of a lock. [`levels!`](crate::levels) makes them.
pub trait LockLevel: Level {}

/// A lock of level `Inner` may be taken by someone who holds this.
#[diagnostic::on_unimplemented(
    message = "a lock of level `{Inner}` cannot be taken under `{Self}`",
    label = "takes a lock that does not come after `{Self}`",
    note = "the order of the locks is that of the driver's `levels!`"
)]
pub trait Before<Inner: LockLevel>: Level {}

/// A context without locks comes before every lock that may be taken there.
macro_rules! begin {
    ($($context:ident)*) => {$(
        impl<L: LockLevel> Before<L> for crate::context::$context where
            L::Context: AtLeast<crate::context::$context>
        {
        }
    )*};
}

begin! { Process NoIo Atomic Softirq HardIrq }

/// Declares the levels of a driver's locks, in the order they are taken in.
///
/// A line is `Level: Context;`, with documentation that says what the locks of the level protect.
/// A level comes after all those above it; its context must be that of the level above it, or a
/// stricter one.
#[macro_export]
macro_rules! levels {
    () => {};
    (
        $(#[$attribute:meta])* $level:ident: $context:ident;
        $($(#[$later_attribute:meta])* $later:ident: $later_context:ident;)*
    ) => {
        $(#[$attribute])*
        pub(crate) enum $level {}

        impl $crate::level::Level for $level {
            type Context = $crate::context::$context;
        }

        impl $crate::level::LockLevel for $level {}

        $(
            impl $crate::level::Before<$later> for $level
            where
                $crate::context::$later_context:
                    $crate::context::AtLeast<$crate::context::$context>,
            {
            }
        )*

        $crate::levels! {
            $($(#[$later_attribute])* $later: $later_context;)*
        }
    };
}
