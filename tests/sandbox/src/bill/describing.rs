//! The texts of a line: who pays whom, for what, under which plan.

use super::amount::Amount;
use super::compose::Composer;
use super::dice::keyed;
use super::offers::{Offer, Region, Resource};
use super::spec::instant;
use super::stream::{LineType, Texts};

impl Composer<'_> {
    /// What every line says about payer, account, type and currency.
    pub(super) fn line_texts(
        &self,
        line: LineType,
        account: usize,
        currency: usize,
        from_aws: bool,
    ) -> Texts {
        let mut texts = Texts::new(self.catalogue);
        let seller = match (from_aws, account % 2) {
            (true, 0) => "Amazon Web Services, Inc.",
            (true, _) => "Amazon Web Services EMEA SARL",
            (false, _) => "Datapane \"Observability\" GmbH & Co. KG, München",
        };
        for (name, text) in [
            ("bill/BillType", "Anniversary"),
            ("bill/BillingEntity", if from_aws { "AWS" } else { "AWS Marketplace" }),
            ("bill/InvoicingEntity", if from_aws { "Amazon Web Services, Inc." } else { seller }),
            ("bill/PayerAccountId", &self.spec.payer),
            ("lineItem/UsageAccountId", &self.spec.accounts()[account]),
            ("lineItem/LineItemType", line.name()),
            ("lineItem/CurrencyCode", &self.spec.currencies[currency]),
            ("lineItem/LegalEntity", seller),
        ] {
            texts.set(self.catalogue, name, text);
        }
        if self.spec.options.final_bill {
            let invoice = self.invoice(u64::from(from_aws), currency);
            texts.set(self.catalogue, "bill/InvoiceId", &invoice);
        }
        texts
    }

    /// An invoice number; one for each seller and currency of the month.
    pub(super) fn invoice(&self, kind: u64, currency: usize) -> String {
        let month = u64::try_from(self.month.start()).unwrap_or(0);
        let number = keyed(&[self.spec.seed, month, kind, currency as u64]) % 100_000_000;
        format!("21{number:08}")
    }

    /// What is bought, where, and at which price.
    pub(super) fn offer_texts(
        &mut self,
        texts: &mut Texts,
        offer: &Offer,
        region: &Region,
        rate: Amount,
        line: LineType,
    ) {
        let placed = |text: &str| {
            text.replace("{p}", region.prefix)
                .replace("{location}", region.location)
                .replace("{region}", region.code)
        };
        let usage_type = placed(offer.usage_type);
        let sku = sku(&usage_type, offer.operation);
        let price = ten_digits(rate);
        let description = match line {
            LineType::DiscountedUsage => {
                format!("Linux/UNIX (Amazon VPC), {usage_type} reserved instance applied")
            }
            _ => format!("${price} {}", placed(offer.description)),
        };
        let zone = format!("{}{}", region.code, self.dice.pick(&["a", "b", "c"]));
        let is_zonal = matches!(offer.resource, Resource::Instance | Resource::Database | Resource::Volume);
        let term = if line == LineType::DiscountedUsage { "Reserved" } else { "OnDemand" };
        let resource = self.resource(offer.resource, region);
        for (name, text) in [
            ("lineItem/ProductCode", offer.code),
            ("lineItem/UsageType", &usage_type),
            ("lineItem/Operation", offer.operation),
            ("lineItem/AvailabilityZone", if is_zonal { &zone } else { "" }),
            ("lineItem/ResourceId", &resource),
            ("lineItem/LineItemDescription", &description),
            (
                "lineItem/UnblendedRate",
                if line == LineType::DiscountedUsage { "0.0000000000" } else { &price },
            ),
            ("lineItem/BlendedRate", &price),
            ("lineItem/NetUnblendedRate", &ten_digits(rate.thousandths(930))),
            ("pricing/publicOnDemandRate", &price),
            ("pricing/term", term),
            ("pricing/unit", offer.unit),
            ("pricing/currency", "USD"),
            ("pricing/RateId", &(keyed(&[text_key(&sku)]) % 10_000_000_000).to_string()),
            ("pricing/RateCode", &format!("{sku}.JRTCKXETXF.6YS6EN2CT7")),
            ("product/ProductName", offer.name),
            ("product/productFamily", offer.family),
            ("product/servicecode", offer.code),
            ("product/servicename", offer.name),
            ("product/usagetype", &usage_type),
            ("product/operation", offer.operation),
            ("product/sku", &sku),
            ("product/location", region.location),
            ("product/locationType", "AWS Region"),
            ("product/region", region.code),
            ("product/regionCode", region.code),
            ("product/availabilityZone", if offer.factor.is_some() { "NA" } else { "" }),
        ] {
            texts.set(self.catalogue, name, text);
        }
        if let Some(factor) = offer.factor {
            texts.set(self.catalogue, "product/normalizationSizeFactor", &factor.to_string());
            texts.set(self.catalogue, "product/instancesku", &sku.chars().rev().collect::<String>());
        }
        for (name, text) in offer.attributes {
            texts.set(self.catalogue, &format!("product/{name}"), &placed(text));
        }
    }

    fn resource(&mut self, resource: Resource, region: &Region) -> String {
        let (draw, more) = (self.dice.draw(), self.dice.draw());
        let account = &self.spec.payer;
        let (place, hex) = (region.code, format!("{:017x}", u128::from(draw) << 4 | u128::from(more & 15)));
        match resource {
            Resource::Instance => format!("i-{hex}"),
            Resource::Volume => format!("vol-{hex}"),
            Resource::Bucket => format!("bucket-{}", &hex[..10]),
            Resource::Function => format!("arn:aws:lambda:{place}:{account}:function:task-{}", &hex[..8]),
            Resource::Database => format!("arn:aws:rds:{place}:{account}:db:db-{}", &hex[..12]),
            Resource::Balancer => {
                format!("arn:aws:elasticloadbalancing:{place}:{account}:loadbalancer/app/web/{}", &hex[..16])
            }
            Resource::Table => format!("arn:aws:dynamodb:{place}:{account}:table/table-{}", &hex[..8]),
            Resource::Distribution => {
                format!("arn:aws:cloudfront::{account}:distribution/E{}", hex[..13].to_uppercase())
            }
            Resource::Gateway => format!("arn:aws:ec2:{place}:{account}:natgateway/nat-{hex}"),
            Resource::Nothing => String::new(),
        }
    }

    /// The texts of one of the payer's savings plans.
    pub(super) fn savings_plan_texts(&mut self, texts: &mut Texts, rate: &str) {
        let plan = self.dice.below(1 + (self.spec.rows / 100_000).min(30));
        let arn = format!(
            "arn:aws:savingsplans::{}:savingsplan/{plan:08x}-5a1e-4222-8333-0123456789ab",
            self.spec.payer
        );
        for (name, text) in [
            ("savingsPlan/SavingsPlanARN", arn.as_str()),
            ("savingsPlan/SavingsPlanRate", rate),
            (
                "savingsPlan/PaymentOption",
                if plan.is_multiple_of(2) { "No Upfront" } else { "Partial Upfront" },
            ),
            ("savingsPlan/PurchaseTerm", "1yr"),
            ("savingsPlan/OfferingType", "ComputeSavingsPlans"),
            ("savingsPlan/StartTime", "2026-02-11T00:00:00.000Z"),
            ("savingsPlan/EndTime", "2027-02-10T23:59:59.000Z"),
            ("savingsPlan/Region", "Any"),
        ] {
            texts.set(self.catalogue, name, text);
        }
    }

    /// The texts of one of the payer's reservations of that offer.
    pub(super) fn reservation_texts(&mut self, texts: &mut Texts, offer: &Offer) {
        let number = self.dice.below(1 + (self.spec.rows / 50_000).min(40));
        self.reservation_of(texts, if offer.code == "AmazonRDS" { "rds" } else { "ec2" }, number);
    }

    /// The texts of a reservation by its number.
    pub(super) fn reservation_of(&self, texts: &mut Texts, service: &str, number: u64) {
        let arn = format!(
            "arn:aws:{service}:us-east-1:{}:reserved-instances/{number:08x}-7e5e-4bbb-8ccc-0123456789ab",
            self.spec.payer
        );
        for (name, text) in [
            ("reservation/ReservationARN", arn.as_str()),
            ("reservation/SubscriptionId", &format!("98{number:08}")),
            ("reservation/StartTime", "2026-01-05T00:00:00.000Z"),
            ("reservation/EndTime", "2027-01-04T23:59:59.000Z"),
            ("reservation/ModificationStatus", "Original"),
            ("reservation/NumberOfReservations", "2"),
            ("reservation/UnitsPerReservation", "744.0000000000"),
            ("reservation/NormalizedUnitsPerReservation", "2976.0000000000"),
            ("reservation/TotalReservedUnits", "1488.0000000000"),
            ("reservation/TotalReservedNormalizedUnits", "5952.0000000000"),
            ("pricing/LeaseContractLength", "1yr"),
            ("pricing/OfferingClass", if number.is_multiple_of(2) { "convertible" } else { "standard" }),
            (
                "pricing/PurchaseOption",
                ["No Upfront", "Partial Upfront", "All Upfront"][usize::try_from(number % 3).unwrap_or(0)],
            ),
        ] {
            texts.set(self.catalogue, name, text);
        }
    }

    /// `2026-10-01T00:00:00Z` of the month's first second.
    pub(super) fn month_start(&self) -> String {
        instant(self.month.start())
    }
}

fn ten_digits(rate: Amount) -> String {
    let mut text = Vec::new();
    rate.print(10, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A product's 16-character code: the same wherever the product is used.
fn sku(usage_type: &str, operation: &str) -> String {
    let mut bits = keyed(&[text_key(usage_type), text_key(operation)]);
    let mut code = String::with_capacity(16);
    for _ in 0..16 {
        code.push(char::from(b"23456789ABCDEFGHJKMNPQRSTUVWXYZ7"[(bits & 31) as usize]));
        bits = bits.rotate_right(5).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    code
}

fn text_key(text: &str) -> u64 {
    text.bytes().fold(7, |key, byte| keyed(&[key, u64::from(byte)]))
}
