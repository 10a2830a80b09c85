//! The civil calendar.

/// Year, month and day of a count of days since 1970-01-01, in the proleptic Gregorian calendar.
///
/// Counts in cycles of 400 years, which are 146,097 days, from 1 March of the year 0, so that a leap day ends a year.
///
/// ```
/// assert_eq!(kolosal_base::civil_date(11_016), (2000, 2, 29));
/// assert_eq!(kolosal_base::civil_date(-1), (1969, 12, 31));
/// ```
pub fn civil_date(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let (cycle, day_of_cycle) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year_of_cycle + cycle * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::civil_date;

    #[test]
    fn known_days_have_their_dates_and_the_ends_of_time_do_not_panic() {
        assert_eq!(civil_date(0), (1970, 1, 1));
        assert_eq!(civil_date(20_000), (2024, 10, 4));
        assert_eq!(civil_date(19_782), (2024, 2, 29));
        assert!(civil_date(i64::MAX).0 > 0 && civil_date(i64::MIN).0 < 0);
    }
}
