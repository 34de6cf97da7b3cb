/// An enum that is stored by its variant names (`snake_case`), with a phrase for people.
macro_rules! described_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $phrase:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq,
            strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
        )]
        #[strum(serialize_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

            /// The name in the database.
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            pub const fn phrase(self) -> &'static str {
                match self { $(Self::$variant => $phrase),* }
            }
        }
    };
}

/// Serializes a type as its text (`Display`, `FromStr`).
macro_rules! text_form {
    ($name:ident, $error:ident) => {
        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}
