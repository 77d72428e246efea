"""Two traces or runs side by side: op by op, pass by pass, outcome by outcome."""
