//! Charges that are not metered: fees, taxes, credits, refunds and discounts.

use super::amount::Amount;
use super::compose::{Composer, Draft};
use super::names::Measure;
use super::stream::{Charge, LineType};

const DAY: i64 = 86_400;

/// One line that stands alone.
struct Single<'a> {
    line: LineType,
    bill_type: &'a str,
    /// Product code and name.
    product: (&'a str, &'a str),
    usage_type: &'a str,
    description: &'a str,
    /// Usage start and end; the month by default.
    span: Option<(i64, i64)>,
    amounts: Vec<(Measure, Amount)>,
    /// More texts, by legacy name.
    texts: Vec<(&'a str, &'a str)>,
    /// Texts of that reservation.
    reservation: Option<u64>,
    from_aws: bool,
}

impl Default for Single<'_> {
    fn default() -> Self {
        Self {
            line: LineType::Fee,
            bill_type: "Anniversary",
            product: ("AmazonEC2", "Amazon Elastic Compute Cloud"),
            usage_type: "",
            description: "",
            span: None,
            amounts: Vec::new(),
            texts: Vec::new(),
            reservation: None,
            from_aws: true,
        }
    }
}

impl Composer<'_> {
    /// The charges of one currency for a share of the bill's rows: each type at least once.
    pub(super) fn charges(&mut self, currency: usize, rows: u64) {
        self.fees(currency);
        self.commitments(currency, rows);
        self.reservations(currency, rows);
        self.discounts(currency, (rows / 2_000).clamp(1, 400));
        for _ in 0..(rows / 200).clamp(1, 4_000) {
            self.tax(currency);
        }
        for _ in 0..(rows / 300).clamp(1, 2_000) {
            self.credit(currency);
        }
        for _ in 0..(rows / 2_000).clamp(1, 400) {
            self.refund(currency);
        }
    }

    /// The credit that a restatement brings.
    pub(super) fn late_credit(&mut self) {
        for currency in 0..self.spec.currencies.len() {
            self.credit(currency);
        }
    }

    fn fees(&mut self, currency: usize) {
        let support = self.money(300_000);
        self.single(
            currency,
            Single {
                product: ("AWSSupportEnterprise", "AWS Support (Enterprise)"),
                usage_type: "Dollar",
                description: "AWS Support (Enterprise): 10% of monthly AWS usage, first $0 – $150K",
                amounts: cost(support),
                texts: vec![
                    ("product/feeCode", "EnterpriseSupport"),
                    ("product/feeDescription", "Enterprise support, monthly"),
                ],
                ..Single::default()
            },
        );
        let contract = self.money(2_000_000);
        let invoice = self.invoice(3, currency);
        self.single(
            currency,
            Single {
                bill_type: "Purchase",
                product: ("9w3tq6ybk2vjd7xn5c8zr4fme", "Datapane Observability (Contract), Inc."),
                usage_type: "SoftwareContract-annual",
                description: "AWS Marketplace contract, \"Pro, 12 months\";\nbilled in advance",
                amounts: cost(contract),
                texts: vec![("bill/InvoiceId", &invoice)],
                from_aws: false,
                ..Single::default()
            },
        );
    }

    fn commitments(&mut self, currency: usize, rows: u64) {
        let plans = 1 + (rows / 100_000).min(30);
        for plan in 0..plans {
            let account = self.account();
            let line = LineType::SavingsPlanRecurringFee;
            let mut texts = self.line_texts(line, account, currency, true);
            self.savings_plan_texts(&mut texts, "");
            texts.set(self.catalogue, "lineItem/ProductCode", "ComputeSavingsPlans");
            texts.set(self.catalogue, "lineItem/UsageType", "ComputeSP:1yrNoUpfront");
            texts.set(
                self.catalogue,
                "lineItem/LineItemDescription",
                "1 year No Upfront Compute Savings Plan",
            );
            texts.set(self.catalogue, "product/ProductName", "Savings Plans for AWS Compute usage");
            let charge = Charge::Commitment {
                hourly: Amount::new(i64::try_from(self.dice.between(100, 90_000)).unwrap_or(100), 3),
                upfront: plan % 2 == 1,
            };
            // A fee an hour all month, where the bill is large enough to show the rest as well.
            let slots = self.slots.min(u32::try_from(rows / 20).unwrap_or(u32::MAX)).max(1);
            let draft = Draft { line, charge, account, currency, texts };
            self.push(draft, 0, slots, None);
        }
        let upfront = self.money(5_000_000);
        let (invoice, start) = (self.invoice(4, currency), self.month.start());
        self.single(
            currency,
            Single {
                line: LineType::SavingsPlanUpfrontFee,
                bill_type: "Purchase",
                product: ("ComputeSavingsPlans", "Savings Plans for AWS Compute usage"),
                usage_type: "ComputeSP:1yrPartialUpfront",
                description: "1 year Partial Upfront Compute Savings Plan – upfront fee",
                span: Some((start + 9 * DAY, start + 9 * DAY + 1)),
                amounts: cost(upfront),
                texts: vec![("bill/InvoiceId", &invoice), ("savingsPlan/PaymentOption", "Partial Upfront")],
                ..Single::default()
            },
        );
    }

    fn reservations(&mut self, currency: usize, rows: u64) {
        let start = self.month.start();
        let upfront = self.money(1_000_000);
        let invoice = self.invoice(5, currency);
        self.single(
            currency,
            Single {
                bill_type: "Purchase",
                usage_type: "HeavyUsage:m5.large",
                description: "Sign up charge for subscription: 9800000002, planId: 2274",
                // Bought before the month, billed in it.
                span: Some((start - 3 * DAY, start - 3 * DAY + 1)),
                amounts: cost(upfront),
                texts: vec![("bill/InvoiceId", &invoice)],
                reservation: Some(2),
                ..Single::default()
            },
        );
        for number in 0..3 + (rows / 50_000).min(38) {
            // By number: no, partial and all upfront, as the reservation's texts say.
            let recurring = if number % 3 == 2 { Amount::ZERO } else { self.money(90_000) };
            let amortized = if number % 3 == 0 { Amount::ZERO } else { self.money(90_000) };
            let unused = self.dice.between(0, 300);
            let unused_thousandths = i64::try_from(unused).unwrap_or(0);
            let (unused_upfront, unused_recurring) =
                (amortized.thousandths(unused_thousandths), recurring.thousandths(unused_thousandths));
            self.single(
                currency,
                Single {
                    line: LineType::RIFee,
                    usage_type: "HeavyUsage:m5.large",
                    description: "USD 0.0 hourly fee per Linux/UNIX (Amazon VPC), m5.large instance",
                    amounts: vec![
                        (Measure::UsageAmount, Amount::new(1_488, 0)),
                        (Measure::NormalizationFactor, Amount::new(4, 0)),
                        (Measure::NormalizedUsageAmount, Amount::new(5_952, 0)),
                        (Measure::Unblended, recurring),
                        (Measure::Blended, recurring),
                        (Measure::NetUnblended, recurring.thousandths(930)),
                        (Measure::RiAmortizedUpfrontForPeriod, amortized),
                        (Measure::NetRiAmortizedUpfrontForPeriod, amortized.thousandths(930)),
                        (Measure::RiUnusedAmortizedUpfront, unused_upfront),
                        (Measure::NetRiUnusedAmortizedUpfront, unused_upfront.thousandths(930)),
                        (Measure::RiUnusedRecurring, unused_recurring),
                        (Measure::NetRiUnusedRecurring, unused_recurring.thousandths(930)),
                        (Measure::RiUnusedQuantity, Amount::new(unused_thousandths, 1)),
                        (Measure::RiUnusedNormalizedUnits, Amount::new(unused_thousandths * 4, 1)),
                        (Measure::RiUpfrontValue, amortized.times(Amount::new(12, 0))),
                        (Measure::NetRiUpfrontValue, amortized.times(Amount::new(12, 0)).thousandths(930)),
                    ],
                    reservation: Some(number),
                    ..Single::default()
                },
            );
        }
    }

    /// Discounts as lines of their own: negative, without a blended cost, and nothing net, because
    /// the net columns of usage have them already.
    fn discounts(&mut self, currency: usize, each: u64) {
        for (line, description) in [
            (LineType::EdpDiscount, "Enterprise Discount Program, 7%"),
            (LineType::BundledDiscount, "CloudFront bundled with S3 – \"free\" transfer"),
            (LineType::PrivateRateDiscount, "Private rate, R5 family"),
            (LineType::RiVolumeDiscount, "Reserved Instance volume discount, tier 2"),
            (LineType::SppDiscount, "Solution Provider Program discount"),
        ] {
            for _ in 0..each {
                let discount = -self.fraction(400);
                self.single(
                    currency,
                    Single {
                        line,
                        description,
                        amounts: vec![(Measure::Unblended, discount), (Measure::NetUnblended, Amount::ZERO)],
                        ..Single::default()
                    },
                );
            }
        }
    }

    fn tax(&mut self, currency: usize) {
        let amount = if self.dice.chance(50) { self.money(3_000) } else { self.fraction(3_000) };
        let kind = self.dice.pick(&["VAT", "USSalesTax", "GST"]);
        let product = [
            ("AmazonEC2", "Amazon Elastic Compute Cloud"),
            ("AmazonS3", "Amazon Simple Storage Service"),
            ("AWSLambda", "AWS Lambda"),
        ][self.dice.index(3)];
        let description = format!("Tax of type {kind} for {}", self.month_start());
        self.single(
            currency,
            Single {
                line: LineType::Tax,
                product,
                description: &description,
                amounts: cost(amount),
                texts: vec![("lineItem/TaxType", kind), ("lineItem/Operation", "Tax")],
                ..Single::default()
            },
        );
    }

    fn credit(&mut self, currency: usize) {
        let credit = -self.fraction(900);
        let day = self.month.start() + i64::try_from(self.dice.below(28)).unwrap_or(0) * DAY;
        let description = self.dice.pick(&[
            "AWS_Promo_2026, \"startup\"",
            "Courtesy credit,\nsee case 1402",
            "Crédit commercial – août",
            "",
        ]);
        self.single(
            currency,
            Single {
                line: LineType::Credit,
                usage_type: "BoxUsage:t3.medium",
                description,
                span: Some((day, day + DAY)),
                amounts: cost(credit),
                ..Single::default()
            },
        );
    }

    fn refund(&mut self, currency: usize) {
        let refund = -self.money(2_000);
        let earlier = self.month.start() - i64::try_from(self.dice.between(5, 25)).unwrap_or(5) * DAY;
        let invoice = self.invoice(6, currency);
        self.single(
            currency,
            Single {
                line: LineType::Refund,
                bill_type: "Refund",
                product: ("AmazonRDS", "Amazon Relational Database Service"),
                usage_type: "InstanceUsage:db.r5.large",
                description: "Refund for over-charge; Rückerstattung, 3 % – 日本",
                // For usage of an earlier month.
                span: Some((earlier, earlier + 3_600)),
                amounts: cost(refund),
                texts: vec![("bill/InvoiceId", &invoice)],
                ..Single::default()
            },
        );
    }

    fn single(&mut self, currency: usize, single: Single<'_>) {
        let account = self.account();
        let mut texts = self.line_texts(single.line, account, currency, single.from_aws);
        for (name, text) in [
            ("bill/BillType", single.bill_type),
            ("lineItem/ProductCode", single.product.0),
            ("product/ProductName", single.product.1),
            ("lineItem/UsageType", single.usage_type),
            ("lineItem/LineItemDescription", single.description),
        ] {
            texts.set(self.catalogue, name, text);
        }
        for (name, text) in single.texts {
            texts.set(self.catalogue, name, text);
        }
        if let Some(number) = single.reservation {
            self.reservation_of(&mut texts, "ec2", number);
        }
        let slot = u32::try_from(self.dice.below(u64::from(self.slots))).unwrap_or(0);
        let span = single.span.unwrap_or_else(|| (self.month.start(), self.month.end()));
        let draft =
            Draft { line: single.line, charge: Charge::Fixed(single.amounts), account, currency, texts };
        self.push(draft, slot, 1, Some(span));
    }

    /// An amount of whole cents.
    fn money(&mut self, most_cents: u64) -> Amount {
        Amount::new(i64::try_from(self.dice.between(1, most_cents)).unwrap_or(1), 2)
    }

    /// An amount with ten fractional digits.
    fn fraction(&mut self, most_cents: u64) -> Amount {
        let mantissa = self.dice.between(1, most_cents * 100_000_000);
        Amount::new(i64::try_from(mantissa).unwrap_or(1), 10)
    }
}

/// A single quantity at a cost that nothing is taken off.
fn cost(amount: Amount) -> Vec<(Measure, Amount)> {
    vec![
        (Measure::UsageAmount, Amount::new(1, 0)),
        (Measure::Unblended, amount),
        (Measure::Blended, amount),
        (Measure::NetUnblended, amount),
    ]
}
