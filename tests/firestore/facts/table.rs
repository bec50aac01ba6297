//! The facts, and a test for each.

use super::place::{Test, state};
use super::{billing, filters, listing, names, partitions, queries, read_time, values, writes};

/// Something that is true of Firestore.
pub struct Fact {
    /// The test's name.
    pub id: &'static str,
    /// What is true.
    pub sentence: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// Which servers can show it.
    pub shown: Shown,
    /// What states it.
    pub test: Test,
}

/// Which servers can show a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Any that claims to be Firestore.
    Anywhere,
    /// Only ours: it is about the bill, the retention of old versions, or missing indexes.
    HereOnly,
}

const RPC: &str = "https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1";
const TYPES: &str = "https://firebase.google.com/docs/firestore/manage-data/data-types";
const MODEL: &str = "https://firebase.google.com/docs/firestore/data-model";
const QUERIES: &str = "https://firebase.google.com/docs/firestore/query-data/queries";
const CURSORS: &str = "https://firebase.google.com/docs/firestore/query-data/query-cursors";
const INDEXES: &str = "https://firebase.google.com/docs/firestore/query-data/index-overview";
const QUOTAS: &str = "https://firebase.google.com/docs/firestore/quotas";
const PRICES: &str = "https://firebase.google.com/docs/firestore/pricing";
const COUNTS: &str = "https://firebase.google.com/docs/firestore/query-data/aggregation-queries";
const JS_PATH: &str = "https://github.com/firebase/firebase-js-sdk/blob/main/packages/firestore/src/model/path.ts";
const NODE_RANGE: &str = "https://github.com/googleapis/nodejs-firestore/blob/main/dev/src/recursive-delete.ts";
const FUTURE: &str = "https://github.com/googleapis/google-cloud-go/pull/9274";
const NAME_DESC: &str = "https://github.com/firebase/flutterfire/issues/4398";

macro_rules! facts {
    ($($id:ident, $shown:ident, $test:path, $sentence:literal, $source:expr;)*) => {
        /// Every fact that the source for Firestore is built on.
        pub const FACTS: &[Fact] = &[$(
            Fact {
                id: stringify!($id),
                sentence: $sentence,
                source: $source,
                shown: Shown::$shown,
                test: |place| Box::pin($test(place)),
            },
        )*];

        $(
            #[tokio::test]
            async fn $id() {
                let fact = FACTS.iter().find(|fact| fact.id == stringify!($id)).unwrap();
                state(fact).await;
            }
        )*
    };
}

facts! {
    names_sort_by_utf8_bytes, Anywhere, names::sort_by_utf8_bytes,
        "names sort by their UTF-8 bytes", TYPES;
    numeric_ids_come_first, Anywhere, names::numeric_ids_come_first,
        "ids of the form __id<int64>__ sort as numbers, before all others", JS_PATH;
    names_compare_segment_by_segment, Anywhere, names::compare_segment_by_segment,
        "names are compared segment by segment, not as texts", TYPES;
    name_cursors_need_no_document, Anywhere, names::cursors_need_no_document,
        "a cursor may name a document that does not exist", CURSORS;
    start_at_includes_and_start_after_excludes, Anywhere, names::start_at_and_after,
        "before: true is the position just before the document, before: false the one just after", RPC;
    pages_by_last_name_miss_nothing, Anywhere, names::pages_by_last_name_miss_nothing,
        "pages that start after the last name of the page before give everything once", CURSORS;
    ranges_may_end_at_impossible_names, Anywhere, names::ranges_end_at_impossible_names,
        "cursors and filters take any valid reference: c/__id-9223372036854775808__ is the start of c, c\\0 its end", NODE_RANGE;
    names_can_be_filtered, Anywhere, names::filters_by_name,
        "__name__ is filtered with reference values: =, in, ranges", QUERIES;

    limit_and_offset_cut_the_result, Anywhere, queries::limit_and_offset,
        "offset leaves out, then limit cuts", RPC;
    an_empty_result_has_a_read_time, Anywhere, queries::empty_has_a_read_time,
        "a query without results answers once, with a read time and no document", RPC;
    every_response_has_the_read_time, Anywhere, queries::every_response_has_the_read_time,
        "all responses of a query have one read time", RPC;
    collections_do_not_reach_down, Anywhere, queries::collections_do_not_reach_down,
        "a query of a collection finds nothing of its sub-collections", QUERIES;
    groups_reach_down_from_the_parent, Anywhere, queries::groups_reach_down_from_the_parent,
        "all_descendants finds every collection of that id below the parent, whatever the path above it", QUERIES;
    documents_without_the_field_are_not_in_the_order, Anywhere, queries::orders_and_cursors_by_field,
        "an order leaves out documents without the field; the name is the last key; cursors may be shorter than the order", CURSORS;
    values_sort_by_type_first, Anywhere, queries::values_sort_by_type,
        "null < booleans < NaN < numbers < times < texts < bytes < references < points < lists < vectors < maps", TYPES;
    select_takes_fields, Anywhere, queries::selects_fields,
        "select keeps only those fields, also nested ones; __name__ alone keeps none; nothing selected is everything", RPC;
    counts_are_counts, Anywhere, queries::counts,
        "count honours scope, limit, cursors and up_to", COUNTS;
    groups_have_no_field_indexes, HereOnly, queries::groups_have_no_field_indexes,
        "automatic indexes are of collection scope: a group filtered or ordered by a field is refused", INDEXES;
    composite_queries_need_an_index, HereOnly, queries::composite_queries_need_an_index,
        "an inequality on one field with an order by another needs an index, names in descending order too; equalities do not", NAME_DESC;

    equality_is_of_numbers, Anywhere, filters::equality_is_of_numbers_not_of_types,
        "5 equals 5.0 and not \"5\"", TYPES;
    null_is_not_missing, Anywhere, filters::null_is_not_missing,
        "IS_NULL finds null and not missing fields; IS_NOT_NULL neither", RPC;
    nan_has_its_own_filter, Anywhere, filters::nan_has_its_own_filter,
        "IS_NAN finds NaN only", RPC;
    unequal_leaves_out_null_and_missing, Anywhere, filters::unequal_leaves_out_null_and_missing,
        "!= and not-in leave out null and documents without the field", QUERIES;
    ranges_stay_in_a_type, Anywhere, filters::ranges_stay_in_a_type,
        "a range finds values of the type of its bound only", QUERIES;
    lists_are_searched, Anywhere, filters::lists,
        "array-contains and array-contains-any look into lists, in at the value", QUERIES;
    either_or, Anywhere, filters::either_or,
        "OR finds what one of its filters finds", QUERIES;
    field_paths_are_quoted, Anywhere, filters::nested_and_quoted_fields,
        "a.b is nested, `a.b` is one name, and a backtick is \\`", RPC;

    timestamps_are_cut_to_microseconds, Anywhere, values::timestamps_are_cut_to_microseconds,
        "times are kept to microseconds, rounded down", TYPES;
    timestamps_reach_from_year_1_to_9999, Anywhere, values::timestamps_reach_from_year_1_to_9999,
        "times reach from 0001-01-01 to 9999-12-31", RPC;
    integers_are_exact, Anywhere, values::integers_are_exact,
        "integers are exact to 64 bits, and 1 is not 1.0", TYPES;
    doubles_are_exact, Anywhere, values::doubles_are_exact,
        "doubles are exact to the bit, -0.0, NaN and infinities included", TYPES;
    empty_and_null_stay, Anywhere, values::empty_and_null_stay,
        "empty texts, bytes, lists and maps and null stay what they are, and are not missing", TYPES;
    field_names_are_any_text, Anywhere, values::any_field_name,
        "field names may have dots, backticks, blanks and emoji", QUOTAS;
    every_type_comes_back, Anywhere, values::every_type,
        "references need no document; points, bytes, vectors and texts come back unchanged", TYPES;
    documents_of_a_mebibyte, Anywhere, values::large_documents,
        "a document may have almost 1 MiB", QUOTAS;

    times_are_the_commits, Anywhere, writes::times_are_the_commits,
        "create_time and update_time are times of commits, in microseconds", RPC;
    writing_the_same_changes_nothing, Anywhere, writes::writing_the_same_changes_nothing,
        "a write that changes nothing leaves the update time", RPC;
    masks_change_only_their_fields, Anywhere, writes::masks_change_only_their_fields,
        "an update mask changes its fields, deletes those that the document lacks, and ignores others", RPC;
    commits_are_all_or_nothing, Anywhere, writes::commits_are_all_or_nothing,
        "a commit applies all of its writes or none", RPC;
    preconditions_are_checked, Anywhere, writes::preconditions,
        "exists and update_time conditions are checked", RPC;
    no_list_directly_in_a_list, Anywhere, writes::no_list_directly_in_a_list,
        "a list cannot be an element of a list", TYPES;
    reserved_names_are_refused, Anywhere, writes::reserved_names_are_refused,
        "ids and field names like __x__, the ids . and .. and empty field names are refused", QUOTAS;
    missing_documents_are_told, Anywhere, writes::missing_documents_are_told,
        "a missing document is NOT_FOUND, in a batch it is named", RPC;

    read_time_gives_the_state_of_that_time, Anywhere, read_time::gives_the_state_of_that_time,
        "reading at a time gives exactly what was committed until then", RPC;
    read_time_of_a_response_can_be_read_again, Anywhere, read_time::of_the_response_can_be_read_again,
        "reading at the read time of a response gives the same again", RPC;
    too_old_read_times_are_refused, HereOnly, read_time::too_old_is_refused,
        "read times of more than an hour ago are refused with FAILED_PRECONDITION", RPC;
    future_read_times_are_refused, Anywhere, read_time::the_future_is_refused,
        "read times in the future are refused with INVALID_ARGUMENT", FUTURE;
    read_times_are_of_microseconds, Anywhere, read_time::finer_than_microseconds_is_refused,
        "read times have microsecond precision", RPC;

    lists_come_in_pages, Anywhere, listing::documents_come_in_pages,
        "ListDocuments gives pages in the order of names", RPC;
    phantoms_are_shown_on_request, Anywhere, listing::phantoms_are_shown_on_request,
        "show_missing lists documents that exist only as ancestors, without times", RPC;
    phantoms_are_in_no_query, Anywhere, listing::phantoms_are_in_no_query,
        "no query finds a document that exists only as an ancestor, but group queries find what is below it", MODEL;
    an_empty_mask_is_names_only, Anywhere, listing::an_empty_mask_is_names_only,
        "a document mask without fields is names only", RPC;
    collection_ids_come_in_pages, Anywhere, listing::collection_ids_come_in_pages,
        "ListCollectionIds gives the ids directly below a document, also where they hold only ancestors", RPC;

    only_plain_groups_are_partitioned, Anywhere, partitions::only_of_plain_groups,
        "PartitionQuery wants a group ordered by name ascending, without filter, limit, offset and cursors", RPC;
    partitions_cover_everything_once, Anywhere, partitions::cover_everything_once,
        "the ranges between split points have every document once; pages of points are not ordered among each other", RPC;

    a_read_per_document, HereOnly, billing::a_read_per_document,
        "a read for each document returned, masked or missing ones too", PRICES;
    at_least_one_read_per_query, HereOnly, billing::at_least_one_per_query,
        "a query without results costs a read", PRICES;
    skipped_documents_cost_too, HereOnly, billing::skipped_documents_too,
        "documents that offset skips are billed", PRICES;
    a_count_costs_by_thousands, HereOnly, billing::a_count_by_thousands,
        "a count costs a read for each started 1,000 matches, at least one", PRICES;
}

#[test]
fn every_fact_has_a_sentence_and_a_source() {
    for fact in FACTS {
        assert!(fact.source.starts_with("https://") && !fact.sentence.is_empty(), "{}", fact.id);
    }
}
