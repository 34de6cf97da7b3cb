//! The services that can be connected, by kind of provider.

/// A kind of provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Google,
    GitHub,
    Facebook,
    OpenId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Service {
    Calendar,
    Contacts,
    Repositories,
    Profile,
}

impl Service {
    pub fn slug(self) -> &'static str {
        self.into()
    }

    /// The heading of its results.
    pub const fn results_label(self) -> &'static str {
        match self {
            Self::Calendar => "Events",
            Self::Contacts => "Contacts",
            Self::Repositories => "Repositories",
            Self::Profile => "Profile",
        }
    }
}

/// A service and the scope that it needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Offer {
    pub service: Service,
    pub scope: &'static str,
    pub label: &'static str,
    pub description: &'static str,
}

impl Offer {
    /// Ticked by default, because it grants no more than a sign-in does.
    pub fn is_preselected(&self) -> bool {
        self.service == Service::Profile
    }
}

impl Family {
    pub const fn offers(self) -> &'static [Offer] {
        match self {
            Self::Google => &[
                Offer {
                    service: Service::Calendar,
                    scope: "https://www.googleapis.com/auth/calendar.readonly",
                    label: "Calendar, read only",
                    description: "See your events. It cannot change anything.",
                },
                Offer {
                    service: Service::Contacts,
                    scope: "https://www.googleapis.com/auth/contacts",
                    label: "Contacts, full access",
                    description: "See, change and delete your contacts. Here they are only read, \
                               but could do all three.",
                },
            ],
            Self::GitHub => &[Offer {
                service: Service::Repositories,
                scope: "repo",
                label: "Repositories, including private ones",
                description: "GitHub has no read-only scope for private repositories: this one also \
                           allows changes. Here they are only listed.",
            }],
            Self::Facebook => &[Offer {
                service: Service::Profile,
                scope: "public_profile",
                label: "Profile",
                description: "What Facebook Login shares: your name, and your e-mail address if you \
                           tick it. Anything more requires a review by Facebook.",
            }],
            Self::OpenId => &[Offer {
                service: Service::Profile,
                scope: "openid",
                label: "Profile",
                description: "Your profile at this provider, fetched whenever you ask.",
            }],
        }
    }

    /// Requested for every connection: the identity and, where a scope exists, offline access.
    pub const fn required_scopes(self) -> &'static [&'static str] {
        match self {
            Self::Google => &["openid", "email", "profile"],
            Self::GitHub => &["read:user", "user:email"],
            Self::Facebook => &["public_profile", "email"],
            // OpenID Connect Core §11.
            Self::OpenId => &["openid", "email", "profile", "offline_access"],
        }
    }

    pub fn offer(self, service: &str) -> Option<&'static Offer> {
        self.offers().iter().find(|offer| offer.service.slug() == service)
    }
}
