"""How messy the demo world is: every rate in one place.

A comment `sample: x` is the share measured in the sample export of the landing specification (1,494
people). Where the sample has none of something that the specification announces, the comment says
so and why the figure was chosen. All shares are of the rows or persons named; all durations are
stated with their unit.
"""

# --- persons -------------------------------------------------------------------------------------
# sample: GB .455, DE .199, FR .125, US .123, IE .099; it has nobody "elsewhere", whose regime must
# be seen as well.
COUNTRY_SHARES = {
    "GB": 0.435,
    "DE": 0.19,
    "FR": 0.12,
    "US": 0.115,
    "IE": 0.095,
    "NL": 0.025,
    "ES": 0.02,
}
HOME_LANGUAGE_SHARE = 0.95  # sample: DE .955, FR .922, GB .960
HOUSEHOLD_SHARE = 1 / 12  # share of persons whose next person lives with them; sample: every 12th
HOUSEHOLD_SHARES_PHONE = 0.42  # sample: 46 of 124 households, some hidden by missing phones
HOUSEHOLD_SHARES_MAILBOX = 0.18  # sample: 20 of 124 households, some hidden by missing e-mails
SAME_NAME_AND_BIRTH_DATE_SHARE = 0.001  # two strangers; sample: 1 pair in 1,494 persons
MINOR_SHARE = 0.004  # sample: 0; the consent rule for minors needs a few
MINORS_AT_LEAST = 2  # policyholders under 18, however small the world
OLDEST_BIRTH_YEAR, YEARS_UNDER_AS_OF = 1940, 19  # sample: born 1940 to 2007 as of 2026, uniform
ACCENT_KEPT_IN_MAILBOX = ("ë",)  # sample: zoë.…@ keeps its accent, José becomes jose.…@

IN_CRM = 0.908  # sample: .908
IN_POLICY = 0.757  # sample: .757
IN_PRODUCT = 0.604  # sample: .604
IN_SERVICE = 0.490  # sample: .490
TWO_TICKETS_SHARE = 0.347  # of persons with a ticket; sample: .347
DUPLICATE_CONTACT_SHARE = 0.063  # of persons in the CRM; sample: .063
# Policyholders that name their CRM contact; sample: .404 of those who have one.
CRM_LINK_SHARE = 0.404
# Accounts that name their customer number; sample: .585 of those who have one.
CUSTOMER_LINK_SHARE = 0.585

# --- how a system writes a person down: share of records, per system ------------------------------
# sample: initial .036/.083/.090, swap .024/.049/.058, typo .025/.058/(as policy)
INITIAL_ONLY = {"crm": 0.036, "policy": 0.083, "service": 0.090}
NAMES_SWAPPED = {"crm": 0.025, "policy": 0.049, "service": 0.058}
FAMILY_NAME_TYPO = {"crm": 0.025, "policy": 0.058, "service": 0.058}
# Of names that have one; sample: about .03.
NICKNAME = {"crm": 0.02, "policy": 0.04, "service": 0.04}
BIRTH_DATE_MISSING = {"crm": 0.023, "policy": 0.040}  # sample: .023/.040
# Of dates where it is possible; sample: .025 of all pairs.
DAY_MONTH_SWAPPED = {"crm": 0.010, "policy": 0.040}
OLD_ADDRESS = {"crm": 0.03, "policy": 0.125}  # sample: .150 of pairs differ
EMAIL_MISSING = {"crm": 0.092, "policy": 0.151, "service": 0.164}  # sample: .092/.151/.164
EMAIL_ONLY_BLANK = {"crm": 0.024, "policy": 0.021, "service": 0.035}  # sample: .024/.021/.035
OLD_EMAIL = {"crm": 0.044, "policy": 0.10, "service": 0.10}  # sample: .044/about .1/about .1
PHONE_MISSING = {"crm": 0.121, "policy": 0.240, "service": 0.234}  # sample: .121/.240/.234
AGENT_PHONE = {"crm": 0.015, "policy": 0.019, "service": 0.022}  # sample: .015/.019/.022
BROKER_MAILBOX = {"crm": 0.0, "policy": 0.0106, "service": 0.0}  # sample: 0/.0106/0
# sample, of written e-mails: lower .50, leading blank .19, Capitalised .16, UPPER .15
EMAIL_STYLE_SHARES = {"lower": 0.505, "leading_blank": 0.18, "capitalised": 0.165, "upper": 0.15}
# sample, of written phones: +E.164 .28, 00 .15, +44 (0) .14, `0759 2655486` .14,
# `075-92655486` .14, digits .15;
# the specification says ten ways: the last four are not in the sample.
PHONE_STYLE_SHARES = {
    "e164": 0.262, "double_zero": 0.138, "trunk_in_brackets": 0.135, "space_after_four": 0.138,
    "hyphen_after_three": 0.135, "national": 0.142, "grouped_international": 0.0125,
    "area_in_brackets": 0.0125, "dotted": 0.0125, "hyphenated_international": 0.0125,
}  # fmt: skip

# --- policies, claims, invoices -------------------------------------------------------------------
POLICIES_PER_HOLDER = (0.576, 0.231, 0.193)  # one, two, three; sample: .576, .231, .193
PRODUCT_LINES = ("motor", "home", "travel", "health", "life")  # sample: .2 each
# Sample: the same shares.
POLICY_STATUS_SHARES = {"active": 0.80, "lapsed": 0.075, "cancelled": 0.076, "pending": 0.049}
# Sample: uniform over that range: renewals are booked up to 20 days late.
RENEWS_IN_DAYS = (-20, 364)
TERMS_AT_MOST = 6  # sample: 1 to 6 terms of 365 days, uniform
AUTO_RENEW_SHARE = 0.41  # sample: .409
PREMIUM_MEDIAN, PREMIUM_SIGMA = 406.0, 0.57  # log-normal, a year; sample: median 406, mean 478
CLAIMS_PER_POLICY = 0.1455  # in 30 days; sample: .1455
CLAIM_DAYS = 30  # sample: opened within 30 days
# Sample: .368, .372, and .087 each.
CLAIM_STATUS_SHARES = {
    "open": 0.368,
    "in_review": 0.372,
    "paid": 0.0867,
    "rejected": 0.0867,
    "closed": 0.0866,
}
# Log-normal; sample: median 1,044, mean 1,630.
CLAIM_AMOUNT_MEDIAN, CLAIM_AMOUNT_SIGMA = 1044.0, 0.944
CLAIM_OPEN_MEAN_DAYS = 20.0  # until an open claim is closed; the sample does not show the future
# None to four; sample: .365 of claims have none yet.
CLAIM_MILESTONES_SHARES = (0.28, 0.18, 0.18, 0.18, 0.18)
CLAIM_MILESTONE_MEAN_DAYS = 3.0  # sample: 2.8 days between
INSTALMENTS = (1, 4, 12)  # sample: a third each, every 30 days, each a twelfth of the premium
INVOICE_DUE_DAYS = 14  # sample: 14
INVOICE_PAID_WITHIN_DAYS = 40  # sample: uniform 0 to 40 days
INVOICE_NEVER_PAID_SHARE = 0.07  # sample: .07 of invoices older than 60 days

# --- service --------------------------------------------------------------------------------------
TICKET_DAYS = 60  # sample: opened within 60 days
# Sample: a sixth each.
TICKET_TOPICS = ("complaint", "claim", "billing", "renewal", "cover question", "login")
SEVERITIES = ("low", "normal", "high", "urgent")  # sample: a quarter each
RESOLVED_AFTER_HOURS = 30.0  # mean of an exponential; sample: 30 h
# Of resolved tickets; sample: .492, the newest answers being still to come.
SATISFACTION_SHARE = 0.50
SATISFACTION_AFTER_HOURS = 12.0  # mean of an exponential; sample: 12.1 h
SCORE_SHARES = (0.129, 0.133, 0.148, 0.307, 0.283)  # 1 to 5; sample: same
# Sample: 0; the column is announced, and comments bring commas, quotes and line breaks.
COMMENT_SHARE = 0.10
COMMENT_WITH_LINE_BREAK_SHARE = 0.10  # of comments

# --- product and events ---------------------------------------------------------------------------
ACCOUNT_DAYS = 400  # sample: created within 400 days, uniform
MILESTONES = (
    "signed_up",
    "verified_email",
    "added_policy",
    "set_up_billing",
    "downloaded_documents",
)
# One to five; sample: .187, .219, .175, .214, .205.
MILESTONES_SHARES = (0.187, 0.215, 0.185, 0.208, 0.205)
MILESTONE_MEAN_DAYS = 4.2  # sample: 4.2 days between
APP_EVENTS_AT_MOST = 11  # per account, uniform from 0; sample: 5.7 on average
LOGIN_SHARE = 0.67  # of those, the rest feature_used; sample: .671
FEATURES = ("claims", "billing", "documents", "quote")  # sample: a quarter each

# --- communications -------------------------------------------------------------------------------
MESSAGES_SHARES = {0: 0.28, 1: 0.25, 2: 0.235, 4: 0.235}  # per person in 120 days; sample: same
MESSAGE_DAYS = 120
MESSAGE_EMAIL_SHARE = 0.672  # the rest sms; sample: .672
TEMPLATES = ("newsletter", "welcome", "renewal", "claim")  # sample: a quarter each
MESSAGE_PURPOSES = ("policy_service", "marketing")  # sample: half each
# Share of messages with such an engagement; sample: same figures.
ENGAGEMENT_SHARES = {
    "delivered": 0.946, "opened": 0.40, "clicked": 0.101, "bounced": 0.028, "complained": 0.0057,
    "unsubscribed": 0.018,
}  # fmt: skip
ENGAGED_AFTER_HOURS = 5.0  # mean of an exponential; sample: 5.0 h
# Clocks that disagree; announced by the specification, 0 in the sample.
ENGAGEMENT_PRECEDES_SHARE = 0.005

# --- consent --------------------------------------------------------------------------------------
CONSENT_SHARES = {0: 0.18, 1: 0.335, 2: 0.17, 3: 0.15, 5: 0.165}  # events per person; sample: same
CONSENT_DAYS = 900  # sample: within 900 days, uniform
# Sample: a fifth each.
CONSENT_PURPOSES = ("renewal", "onboarding", "service_recovery", "marketing", "profiling")
CONSENT_CHANNELS = ("email", "sms", "push", "phone")  # sample: a quarter each
# Sample: the same shares.
CONSENT_ACTION_SHARES = {"granted": 0.586, "withdrawn": 0.202, "denied": 0.119, "objected": 0.093}
# Sample: a quarter each.
CONSENT_SOURCES = ("preference_centre", "web_form", "call_centre", "import")
NOTICE_VERSIONS = ("2024-05", "2025-11", "2026-03")  # sample: a third each, whatever the date
# Of withdrawals and objections: neither, any channel, any purpose, both; sample: .689, .101, .109,
# .100
RESTRICTION_SCOPE_SHARES = (0.69, 0.10, 0.11, 0.10)
GRANT_EXPIRES_SHARE = 0.504  # sample: .504 of grants, after 730 days
GRANT_EXPIRES_DAYS = 730
ACCOUNT_IDENTIFIER_SHARE = 0.02  # announced by the specification, 0 in the sample
GRANTED_HERE_WITHDRAWN_THERE_SHARE = 0.006  # of persons; sample: 9 of 1,494

# --- alive: at least so many candidates of each node, however small the world ---------------------
CANDIDATES_AT_LEAST = 3

# --- days -----------------------------------------------------------------------------------------
NEW_PEOPLE_SHARE, NEW_PEOPLE_AT_LEAST = 0.001, 3  # per day
CORRECTED_SHARE, CORRECTED_AT_LEAST = 0.002, 3  # of contacts and of policyholders, per day
CANCELLED_SHARE, CANCELLED_AT_LEAST = 0.0005, 1  # of active policies, per day
RENEWAL_OUTCOME_SHARES = {"renewed": 0.75, "lapsed": 0.15, "cancelled": 0.10}
RENEWAL_BOOKED_WITHIN_DAYS = 20  # as RENEWS_IN_DAYS
# Of grants, per day, if possible under another identifier than the grant's.
WITHDRAWN_SHARE, WITHDRAWN_AT_LEAST = 0.003, 6
# Of customers with a motor policy and no home policy, per day.
CROSS_SELL_WITHDRAWN_SHARE, CROSS_SELL_WITHDRAWN_AT_LEAST = 0.004, 2
# Another CRM contact, or a first account: per person and day.
KNOWN_PERSON_NEW_RECORD_SHARE = 0.0005
# Of events, engagement and milestones, which arrive a day after they happened.
LATE_SHARE = 0.02
STALE_VERSION_SHARE = 0.01  # of contacts: an older version that arrives in a later file
OVERLAP_SHARE = 0.01  # of contacts: the same row again in a later file

# --- faults ---------------------------------------------------------------------------------------
FAULT_SHARE = 0.0005  # of a file's rows, for each kind of fault; sample: 0
FAULTS_AT_LEAST = 1
