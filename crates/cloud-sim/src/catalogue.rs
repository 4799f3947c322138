//! Meta's error codes as far as the simulator speaks them: HTTP status, title and details.

/// What Meta's error reference says about a code.
pub(crate) struct Entry {
    pub(crate) status: u16,
    pub(crate) title: &'static str,
    pub(crate) details: &'static str,
}

/// The entry of a code; one that is not listed gets Meta's generic words.
pub(crate) fn entry(code: u32) -> Entry {
    let (status, title, details) = TABLE
        .iter()
        .find(|row| row.0 == code)
        .map_or((400, "Something went wrong", "Message failed to send."), |row| (row.1, row.2, row.3));
    Entry { status, title, details }
}

type Row = (u32, u16, &'static str, &'static str);

#[rustfmt::skip]
const TABLE: [Row; 42] = [
    (1, 400, "API Unknown", "Invalid request or possible server error."),
    (2, 503, "API Service", "Temporary due to downtime or due to being overloaded."),
    (4, 400, "API Too Many Calls", "The app has reached its API call rate limit."),
    (368, 403, "Temporarily blocked for policies violations",
        "The WhatsApp Business Account has been restricted or disabled for violating a platform policy."),
    (80007, 400, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
    (130403, 403, "User is blocked", "Message failed to send because the business has blocked this user."),
    (130429, 400, "Rate limit hit", "Cloud API message throughput has been reached."),
    (130472, 400, "User's number is part of an experiment",
        "Message was not sent because the user's number is part of an experiment."),
    (131000, 500, "Something went wrong", "Message failed to send due to an unknown error."),
    (131008, 400, "Required parameter is missing", "The request is missing a required parameter."),
    (131009, 400, "Parameter value is not valid", "One or more parameter values are invalid."),
    (131016, 500, "Service unavailable", "A service is temporarily unavailable."),
    (131021, 400, "Recipient cannot be sender", "Sender and recipient phone number is the same."),
    (131026, 400, "Message undeliverable", "Message Undeliverable."),
    (131031, 403, "Business Account locked",
        "Message failed to send because the sender's WhatsApp Business Account or phone number is locked."),
    (131042, 400, "Business eligibility payment issue",
        "Message failed to send because there were one or more errors related to your payment method."),
    (131047, 400, "Re-engagement message",
        "Message failed to send because more than 24 hours have passed since the customer last replied to this number."),
    (131048, 400, "Spam rate limit hit",
        "Message failed to send because there are restrictions on how many messages can be sent from this phone number."),
    (131049, 400, "This message was not delivered to maintain healthy ecosystem engagement.",
        "In order to maintain a healthy ecosystem engagement, the message failed to be delivered."),
    (131050, 400, "User has stopped marketing messages",
        "Message was not delivered because the user has stopped marketing messages from this business."),
    (131051, 400, "Unsupported message type", "Message type is currently not supported."),
    (131053, 400, "Media upload error", "Unable to upload the media used in the message."),
    (131056, 400, "(Business Account, Consumer Account) pair rate limit hit",
        "Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time."),
    (131057, 500, "Account in maintenance mode", "Business Account is in maintenance mode."),
    (131059, 400, "Invalid cursor", "The cursor given for paging is not valid."),
    (131062, 400, "Business-scoped User ID recipients are not supported for this message",
        "Authentication templates can be sent to phone numbers only."),
    (132000, 400, "Number of parameters does not match the expected number of params",
        "The number of parameters does not match the template."),
    (132001, 404, "Template name does not exist in the translation", "The template does not exist."),
    (132005, 400, "Translated text too long", "The translated text is too long."),
    (132012, 400, "Parameter format does not match format in the created template",
        "The parameter format does not match the template."),
    (132015, 400, "Template is Paused", "Template is paused due to low quality."),
    (132016, 400, "Template is Disabled", "Template has been paused too many times and is now permanently disabled."),
    (132018, 400, "There's an issue with the parameters in your template",
        "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"),
    (133005, 400, "Two step verification PIN Mismatch", "The two-step verification PIN is incorrect."),
    (133006, 400, "Phone number re-verification needed", "The phone number must be verified before it is registered."),
    (133008, 400, "Too Many two step verification PIN Guesses", "There were too many wrong PINs: try again in an hour."),
    (133010, 400, "Phone number Not Registered", "The phone number is not registered on the WhatsApp Business Platform."),
    (134100, 400, "Only marketing templates are supported",
        "The Marketing Messages API sends marketing templates only."),
    (133016, 400, "Account register deregister rate limit exceeded",
        "Registration or deregistration of this number was attempted too often in 72 hours."),
    (139100, 400, "Failed to block/unblock some users", "Some of the users could not be blocked or unblocked."),
    (139101, 400, "Blocklist limit reached", "The number blocks 64000 users already."),
    (200005, 400, "Template Insights Not Available",
        "Template insights are not enabled for this WhatsApp Business Account."),
];
