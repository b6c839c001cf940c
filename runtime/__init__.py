"""What every process shares; imports none of services, gateway, carriers or cli."""
