//! AWS's normalisation of column and tag names (legacy Parquet, Athena, CUR 2.0 map keys).

/// Folds a name: `_` before every capital, lower case, everything else that is not a letter or
/// digit of ASCII to `_`, repeated `_` collapsed, none at either end.
///
/// The mapping is lossy: `user:Owner` and `user:owner` both give `user_owner`.
pub fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len() + 8);
    for character in name.chars() {
        let is_capital = character.is_ascii_uppercase();
        let keep = character.is_ascii_alphanumeric();
        if (is_capital || !keep) && !folded.is_empty() && !folded.ends_with('_') {
            folded.push('_');
        }
        if keep {
            folded.push(character.to_ascii_lowercase());
        }
    }
    while folded.ends_with('_') {
        folded.pop();
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn folds_as_the_documented_examples_do() {
        for (name, folded) in [
            ("autoscaling:groupName", "autoscaling_group_name"),
            ("CreatedBy", "created_by"),
            ("Environment-type", "environment_type"),
            ("lineItem/LineItemType", "line_item_line_item_type"),
            ("reservation/ReservationARN", "reservation_reservation_a_r_n"),
            ("resourceTags/aws:createdBy", "resource_tags_aws_created_by"),
            ("resourceTags/user:karpenter.sh/nodepool", "resource_tags_user_karpenter_sh_nodepool"),
            ("costCategory/Charge type", "cost_category_charge_type"),
            ("resourceTags/user:OWNER", "resource_tags_user_o_w_n_e_r"),
            ("resourceTags/user:部署", "resource_tags_user"),
        ] {
            assert_eq!(fold(name), folded, "{name}");
        }
    }
}
