package thunderguard.quantity_test

import data.thunderguard.quantity
import data.thunderguard.testing
import future.keywords.not

_most := 9007199254740992000

test_success_quantities if {
	table := {
		"1": 1000, "1000m": 1000, "+1": 1000, "0": 0, "0m": 0, "007": 7000, "500m": 500, "0.5": 500, ".5": 500,
		"5.": 5000, "1.5m": 2, "0.123456": 124, "1.1234Gi": 1206241565082, "100n": 1, "0n": 0, "1u": 1, "1001u": 2, "999n": 1,
		"1k": 1000000, "1M": 1000000000, "1G": 1000000000000, "1T": 1000000000000000, "1P": 1000000000000000000,
		"1E": 1000000000000000000000, "2G": 2000000000000, "2Gi": 2147483648000, "1Ki": 1024000, "1.5Ki": 1536000,
		"100Mi": 104857600000, "1.5Gi": 1610612736000, "1Ti": 1099511627776000, "1Pi": 1125899906842624000,
		"0.0001Ki": 103, "0.000001Mi": 1049, "1.123Pi": 1264385595384266752, "0.5Ei": 576460752303423488000,
		"1e3": 1000000, "1E3": 1000000, "1e+3": 1000000, "1e-3": 1, "1e-18": 1, "1e03": 1000000, "15e-1": 1500,
		"123456789012345": 123456789012345000, ".000001": 1,
	}
	testing.all_same({written: [quantity.milli(written), wanted] |
		some written, wanted in table
		wanted <= _most
	})
	testing.all_same({written: [quantity.milli(written), _most] |
		some written, wanted in table
		wanted > _most
	})
}

test_success_large_values_count_as_the_largest if {
	every written in ["8Pi", "8.001Pi", "1Ei", "9E", "1e18", "999999999999999P", "99999Ti", "999999999999999Ki"] {
		testing.same(quantity.milli(written), _most)
	}
	quantity.milli("7.999Pi") < _most
}

test_success_numbers if {
	testing.all_same({
		"1": [quantity.milli(1), 1000],
		"0": [quantity.milli(0), 0],
		"0.5": [quantity.milli(0.5), 500],
		"1.25": [quantity.milli(1.25), 1250],
		"1000": [quantity.milli(1000), 1000000],
	})
}

test_success_the_same_amount_in_other_words if {
	quantity.milli("1") == quantity.milli("1000m")
	quantity.milli("2Gi") > quantity.milli("2G")
	quantity.milli("1Ki") == quantity.milli("1024")
}

test_fail_what_is_no_quantity if {
	every value in [
		"", " ", "banana", "1 ", " 1", "-1", "-0", "++1", "+-1", "+", ".", "+.", "m", "1mm", "1K", "1g", "1ki", "1Bi",
		"1.2.3",
		"1e", "1e+", "1e19", "1e-19", "1e100", "1e1.5", "0.1234567", "1234567890123456", "1.2345Pi", "1.2345Ei", "0x1",
		"1,5", "١", "1\n", "1e3Ki", "Gi", true, null, [], {}, ["1"], -1, -0.5, 1e21,
	] {
		testing.all_same({"no quantity": [[n | n := quantity.milli(value)], []]})
	}
}

test_what_is_plain_is_a_quantity_above_zero if {
	every value in ["1", "500m", "512Mi", "1Gi", "2k", "999999G"] {
		quantity.plain(value)
		quantity.milli(value) > 0
	}
	every value in ["", "0", "0m", "007", "1.5", "1e3", "1Ti", "1000000", "+1", "-1", "banana", "1\n", 1, null, {}] {
		not quantity.plain(value)
	}
}
