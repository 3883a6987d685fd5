# METADATA
# description: |
#   Kubernetes resource quantities as integers, so that 1 = 1000m and 2Gi > 2G.
#   Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
package thunderguard.quantity

import data.thunderguard.text
import future.keywords.not

# 8 Pi in thousandths: larger values are equal to it. It keeps every number an exact 64-bit integer.
_most := 9007199254740992000

_pattern := concat("", [
	`^(([0-9]{1,15}([.][0-9]{0,6})?|[.][0-9]{1,6})([numkMGTPE]|[KMGT]i|[eE][+-]?(0?[0-9]|1[0-8]))?`,
	`|([0-9]{1,15}([.][0-9]{0,3})?|[.][0-9]{1,3})[PE]i)$`,
])

_decimal := {
	"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}

_binary := {
	"Ki": 1024, "Mi": 1048576, "Gi": 1073741824, "Ti": 1099511627776,
	"Pi": 1125899906842624, "Ei": 1152921504606846976,
}

# METADATA
# description: |
#   A quantity (string, or number in plain decimals) in thousandths, rounded up as Kubernetes' MilliValue does.
#   Undefined for anything that is not a quantity, or is negative.
milli(value) := thousandths if {
	written := trim_prefix(_written(value), "+")
	regex.match(_pattern, written)
	mantissa := regex.replace(written, `[^0-9.].*$`, "")
	suffix := substring(written, count(mantissa), -1)
	parts := split(mantissa, ".")
	fraction := concat("", array.slice(parts, 1, 2))
	thousandths := _scaled(parts[0], fraction, suffix)
}

# METADATA
# description: Whether a value is written as nearly all quantities are, and not zero, which is seen without reckoning.
plain(value) if {
	is_string(value)
	regex.match("^[1-9][0-9]{0,5}(m|[kMG]|[KMG]i)?$", value)
}

_written(value) := written if {
	is_string(value)
	written := value
} else := written if {
	written := text.number_text(value)
}

_scaled(whole, fraction, suffix) := n if {
	factor := _binary[suffix]
	count(fraction) <= 3
	digits := substring(concat("", [fraction, "000"]), 0, 3)
	n := _capped(((_number(whole) * 1000) + _number(digits)) * factor)
} else := n if {
	factor := _binary[suffix]

	# Six digits times 2^40 still are 60 bits.
	digits := substring(concat("", [fraction, "000"]), 0, 6)
	exact := _number(digits) * factor
	n := _capped(((_number(whole) * 1000) * factor) + ceil(exact / 1000))
} else := n if {
	shift := (_exponent(suffix) + 3) - count(fraction)
	n := _shifted(concat("", [whole, fraction]), shift)
}

_exponent(suffix) := power if {
	power := _decimal[suffix]
} else := power if {
	digits := trim_left(substring(suffix, 1, -1), "+-")
	sign := {true: -1, false: 1}[contains(suffix, "-")]
	power := sign * _number(digits)
}

# digits × 10^places, rounded up
_shifted(digits, places) := n if {
	places >= 0
	n := _long(concat("", [digits, substring("0000000000000000000000000000000000000000", 0, places)]))
} else := n if {
	padded := concat("", ["000000000000000000000000000000", digits])
	cut := count(padded) + places
	n := _capped(_number(substring(padded, 0, cut)) + _rest(substring(padded, cut, -1)))
}

_rest(digits) := 1 if {
	regex.match("[1-9]", digits)
} else := 0

_long(digits) := n if {
	count(trim_left(digits, "0")) <= 19
	n := _capped(_number(digits))
} else := n if {
	n := _most
}

_number(digits) := n if {
	short := trim_left(digits, "0")
	short != ""
	n := to_number(short)
} else := 0

_capped(n) := least if {
	least := min([n, _most])
}
