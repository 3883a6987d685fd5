# METADATA
# description: |
#   Kubernetes resource quantities as integers, so that 1 = 1000m and 2Gi > 2G.
#   Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
package thunderguard.quantity

import data.thunderguard.text
import future.keywords.not

# 8 Pi in thousandths: larger values are equal to it. It keeps every number an exact 64-bit integer.
_most := 9007199254740992000

_pattern := `^[+]?([0-9]{1,15}[.]?[0-9]{0,6}|[.][0-9]{1,6})([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$`

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
	written := _written(value)
	regex.match(_pattern, written)
	mantissa := regex.replace(trim_prefix(written, "+"), `[^0-9.].*$`, "")
	suffix := substring(trim_prefix(written, "+"), count(mantissa), -1)
	parts := split(mantissa, ".")
	whole := parts[0]
	fraction := concat("", array.slice(parts, 1, 2))
	thousandths := _scaled(whole, fraction, suffix)
}

_written(value) := value if is_string(value)

_written(value) := number if number := text.number_text(value)

_scaled(whole, fraction, suffix) := n if {
	factor := _binary[suffix]
	digits := _padded(fraction, 3)
	count(fraction) <= 3
	n := _capped(((_number(whole) * 1000) + _number(digits)) * factor)
}

_scaled(whole, fraction, suffix) := n if {
	factor := _binary[suffix]
	count(fraction) > 3

	# Six digits times 2^50 would leave 64 bits.
	factor <= 1099511627776
	exact := _number(_padded(fraction, 6)) * factor
	n := _capped(((_number(whole) * 1000) * factor) + ceil(exact / 1000))
}

_scaled(whole, fraction, suffix) := n if {
	not _binary[suffix]
	shift := _exponent(suffix) + 3
	n := _shifted(concat("", [whole, fraction]), shift - count(fraction))
}

_exponent(suffix) := _decimal[suffix]

_exponent(suffix) := power if {
	not _decimal[suffix]
	power := to_number(trim_prefix(substring(suffix, 1, -1), "+"))
	power <= 18
	power >= -18
}

# digits × 10^places, rounded up
_shifted(digits, places) := n if {
	places >= 0
	n := _long(concat("", [digits, substring("0000000000000000000000000000000000000000", 0, places)]))
}

_shifted(digits, places) := n if {
	places < 0
	padded := concat("", ["000000000000000000000000000000", digits])
	cut := count(padded) + places
	n := _capped(_number(substring(padded, 0, cut)) + _rest(substring(padded, cut, -1)))
}

_rest(digits) := 1 if regex.match("[1-9]", digits)

_rest(digits) := 0 if not regex.match("[1-9]", digits)

_long(digits) := n if {
	short := trim_left(digits, "0")
	count(short) <= 18
	n := _number(short)
}

_long(digits) := n if {
	short := trim_left(digits, "0")
	count(short) == 19
	n := _capped(to_number(short))
}

_long(digits) := _most if count(trim_left(digits, "0")) > 19

_number(digits) := 0 if trim_left(digits, "0") == ""

_number(digits) := n if {
	short := trim_left(digits, "0")
	short != ""
	n := to_number(short)
}

_padded(digits, width) := substring(concat("", [digits, "000000"]), 0, width)

_capped(n) := n if n < _most

_capped(n) := _most if n >= _most
