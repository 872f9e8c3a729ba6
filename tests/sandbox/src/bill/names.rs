//! The names of legacy columns, by category, without what the bill's own tags add.

/// Numbers of a line: money, usage and the amounts amortisation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Measure {
    UsageAmount,
    NormalizationFactor,
    NormalizedUsageAmount,
    Unblended,
    Blended,
    NetUnblended,
    PublicOnDemand,
    BundledDiscount,
    EdpDiscount,
    PrivateRateDiscount,
    TotalDiscount,
    RiAmortizedUpfrontForUsage,
    RiAmortizedUpfrontForPeriod,
    RiEffective,
    NetRiAmortizedUpfrontForUsage,
    NetRiAmortizedUpfrontForPeriod,
    NetRiEffective,
    NetRiRecurringForUsage,
    NetRiUnusedAmortizedUpfront,
    NetRiUnusedRecurring,
    NetRiUpfrontValue,
    RiRecurringForUsage,
    RiUnusedAmortizedUpfront,
    RiUnusedNormalizedUnits,
    RiUnusedQuantity,
    RiUnusedRecurring,
    RiUpfrontValue,
    SpAmortizedUpfrontForPeriod,
    NetSpAmortizedUpfrontForPeriod,
    NetSpRecurringForPeriod,
    NetSpEffective,
    SpRecurringForPeriod,
    SpEffective,
    SpTotalCommitment,
    SpUsedCommitment,
}

impl Measure {
    pub(super) const COUNT: usize = MEASURES.len();

    const ALL: [Self; Self::COUNT] = [
        Self::UsageAmount,
        Self::NormalizationFactor,
        Self::NormalizedUsageAmount,
        Self::Unblended,
        Self::Blended,
        Self::NetUnblended,
        Self::PublicOnDemand,
        Self::BundledDiscount,
        Self::EdpDiscount,
        Self::PrivateRateDiscount,
        Self::TotalDiscount,
        Self::RiAmortizedUpfrontForUsage,
        Self::RiAmortizedUpfrontForPeriod,
        Self::RiEffective,
        Self::NetRiAmortizedUpfrontForUsage,
        Self::NetRiAmortizedUpfrontForPeriod,
        Self::NetRiEffective,
        Self::NetRiRecurringForUsage,
        Self::NetRiUnusedAmortizedUpfront,
        Self::NetRiUnusedRecurring,
        Self::NetRiUpfrontValue,
        Self::RiRecurringForUsage,
        Self::RiUnusedAmortizedUpfront,
        Self::RiUnusedNormalizedUnits,
        Self::RiUnusedQuantity,
        Self::RiUnusedRecurring,
        Self::RiUpfrontValue,
        Self::SpAmortizedUpfrontForPeriod,
        Self::NetSpAmortizedUpfrontForPeriod,
        Self::NetSpRecurringForPeriod,
        Self::NetSpEffective,
        Self::SpRecurringForPeriod,
        Self::SpEffective,
        Self::SpTotalCommitment,
        Self::SpUsedCommitment,
    ];

    /// The measure whose legacy name stands at that place of [`MEASURES`].
    pub(super) fn at(place: usize) -> Self {
        Self::ALL[place]
    }

    /// Fractional digits a legacy csv prints at least: costs and amounts are padded to ten.
    pub(super) fn least_digits(self) -> usize {
        if (self as usize) < Self::RiAmortizedUpfrontForUsage as usize && self != Self::NormalizationFactor {
            10
        } else {
            1
        }
    }
}

/// Legacy names of the measures, in the order of the enum.
pub(super) const MEASURES: [&str; 35] = [
    "lineItem/UsageAmount",
    "lineItem/NormalizationFactor",
    "lineItem/NormalizedUsageAmount",
    "lineItem/UnblendedCost",
    "lineItem/BlendedCost",
    "lineItem/NetUnblendedCost",
    "pricing/publicOnDemandCost",
    "discount/BundledDiscount",
    "discount/EdpDiscount",
    "discount/PrivateRateDiscount",
    "discount/TotalDiscount",
    "reservation/AmortizedUpfrontCostForUsage",
    "reservation/AmortizedUpfrontFeeForBillingPeriod",
    "reservation/EffectiveCost",
    "reservation/NetAmortizedUpfrontCostForUsage",
    "reservation/NetAmortizedUpfrontFeeForBillingPeriod",
    "reservation/NetEffectiveCost",
    "reservation/NetRecurringFeeForUsage",
    "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod",
    "reservation/NetUnusedRecurringFee",
    "reservation/NetUpfrontValue",
    "reservation/RecurringFeeForUsage",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
    "reservation/UnusedNormalizedUnitQuantity",
    "reservation/UnusedQuantity",
    "reservation/UnusedRecurringFee",
    "reservation/UpfrontValue",
    "savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod",
    "savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod",
    "savingsPlan/NetRecurringCommitmentForBillingPeriod",
    "savingsPlan/NetSavingsPlanEffectiveCost",
    "savingsPlan/RecurringCommitmentForBillingPeriod",
    "savingsPlan/SavingsPlanEffectiveCost",
    "savingsPlan/TotalCommitmentToDate",
    "savingsPlan/UsedCommitment",
];

pub(super) const IDENTITY: &[&str] = &["LineItemId", "TimeInterval"];

pub(super) const BILL: &[&str] = &[
    "InvoiceId",
    "InvoicingEntity",
    "BillingEntity",
    "BillType",
    "PayerAccountId",
    "BillingPeriodStartDate",
    "BillingPeriodEndDate",
];

pub(super) const LINE_ITEM: &[&str] = &[
    "UsageAccountId",
    "LineItemType",
    "UsageStartDate",
    "UsageEndDate",
    "ProductCode",
    "UsageType",
    "Operation",
    "AvailabilityZone",
    "ResourceId",
    "CurrencyCode",
    "UnblendedRate",
    "BlendedRate",
    "NetUnblendedRate",
    "LineItemDescription",
    "TaxType",
    "LegalEntity",
];

pub(super) const PRICING: &[&str] = &[
    "LeaseContractLength",
    "OfferingClass",
    "PurchaseOption",
    "RateCode",
    "RateId",
    "currency",
    "publicOnDemandRate",
    "term",
    "unit",
];

pub(super) const RESERVATION: &[&str] = &[
    "AvailabilityZone",
    "EndTime",
    "ModificationStatus",
    "NormalizedUnitsPerReservation",
    "NumberOfReservations",
    "ReservationARN",
    "StartTime",
    "SubscriptionId",
    "TotalReservedNormalizedUnits",
    "TotalReservedUnits",
    "UnitsPerReservation",
];

pub(super) const SAVINGS_PLAN: &[&str] = &[
    "EndTime",
    "InstanceTypeFamily",
    "OfferingType",
    "PaymentOption",
    "PurchaseTerm",
    "Region",
    "SavingsPlanARN",
    "SavingsPlanRate",
    "StartTime",
];

/// Product attributes that every month has.
#[rustfmt::skip]
pub(super) const PRODUCT: &[&str] = &[
    "ProductName", "availabilityZone", "capacitystatus", "classicnetworkingsupport", "clockSpeed", "comments",
    "currentGeneration", "databaseEngine", "dedicatedEbsThroughput", "deploymentOption", "durability", "ecu", "endpointType", "intelAvx2Available",
    "enhancedNetworkingSupported", "feeCode", "feeDescription", "fromLocation", "fromLocationType", "fromRegionCode", "group",
    "groupDescription", "instanceFamily", "instanceType", "instanceTypeFamily", "instancesku", "intelAvxAvailable",
    "intelTurboAvailable", "licenseModel", "location", "locationType", "marketoption", "maxIopsBurstPerformance", "maxIopsvolume",
    "maxThroughputvolume", "maxVolumeSize", "memory", "networkPerformance", "normalizationSizeFactor", "operatingSystem", "platoinstancename",
    "operation", "physicalProcessor", "preInstalledSw", "pricingUnit", "processorArchitecture", "processorFeatures",
    "productFamily", "region", "regionCode", "routingTarget", "routingType", "servicecode", "servicename", "sku", "storage",
    "storageClass", "storageMedia", "tenancy", "toLocation", "toLocationType", "toRegionCode", "transferType", "usagetype",
    "vcpu", "version", "volumeApiName", "volumeType", "vpcnetworkingsupport",
];

/// Product attributes of services that few use: two of them are missing from each month.
#[rustfmt::skip]
pub(super) const RARE_PRODUCT: [&str; 40] = [
    "alarmType", "attachmentType", "availability", "backupservice", "cacheEngine", "category", "ciType", "computeFamily",
    "contentType", "cputype", "databaseEdition", "directorySize", "edition", "endpoint", "engineCode", "eventType",
    "findingGroup", "findingSource", "freeTier", "gets", "gpu", "gpuMemory", "insightstype", "logsDestination",
    "logsSource", "logsType", "memorytype", "messageDeliveryFrequency", "messageDeliveryOrder", "ops", "overhead",
    "physicalCores", "provider", "queueType", "requestType", "standardStorage", "steps", "subscriptionType", "tiertype",
    "withActiveUsers",
];

pub(super) const TAGS: &[&str] = &[
    "aws:autoscaling:groupName",
    "aws:cloudformation:stack-name",
    "aws:createdBy",
    "user:Name",
    "user:app.kubernetes.io/name",
    "user:backup-plan",
    "user:business_unit",
    "user:compliance",
    "user:cost-center",
    "user:createdOn",
    "user:dataClass",
    "user:eks:nodegroup",
    "user:env",
    "user:feature",
    "user:git",
    "user:k8s:cluster",
    "user:k8s:namespace",
    "user:launch:template",
    "user:managed-by",
    "user:on-call",
    "user:owner",
    "user:project",
    "user:release",
    "user:service",
    "user:sla",
    "user:team",
    "user:tenant",
    "user:tier",
    "user:workload type",
];

pub(super) const COST_CATEGORIES: &[&str] = &["CostCenter", "Organization", "Charge type"];
